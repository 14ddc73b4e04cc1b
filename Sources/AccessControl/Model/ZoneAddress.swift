public import MailModel

/// Some addresses, all of one family: what a ``NetworkZone`` is made of.
public struct ZoneAddress: Hashable, Sendable, CustomStringConvertible {
  private enum Form: Hashable, Sendable {
    case single(IPAddress)
    case range(first: IPAddress, last: IPAddress)
    case subnet(IPNetwork)
  }
  private let form: Form

  /// One address.
  public static func single(_ address: IPAddress) -> ZoneAddress { ZoneAddress(form: .single(address)) }

  /// The addresses of a subnet, its first and last included.
  public static func subnet(_ network: IPNetwork) -> ZoneAddress { ZoneAddress(form: .subnet(network)) }

  /// The addresses from `first` to `last`, both included; `nil` where they are of two families, or in the wrong order.
  public static func range(_ first: IPAddress, _ last: IPAddress) -> ZoneAddress? {
    switch (first, last) {
    case (.v4(let low), .v4(let high)) where low <= high: ZoneAddress(form: .range(first: first, last: last))
    case (.v6(let low), .v6(let high)) where low <= high: ZoneAddress(form: .range(first: first, last: last))
    default: nil
    }
  }

  /// `192.0.2.1`, `192.0.2.1-192.0.2.9` or `192.0.2.0/24`, and the same with IPv6; `nil` for all else.
  public init?(_ text: String) {
    let bounds = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    if bounds.count == 2 {
      guard let first = IPAddress(String(bounds[0])), let last = IPAddress(String(bounds[1])),
        let range = Self.range(first, last)
      else { return nil }
      self = range
    } else if text.contains("/") {
      guard let network = IPNetwork(text) else { return nil }
      self = .subnet(network)
    } else {
      guard let address = IPAddress(text) else { return nil }
      self = .single(address)
    }
  }

  private init(form: Form) { self.form = form }

  /// What ``init(_:)`` reads.
  public var description: String {
    switch form {
    case .single(let address): "\(address)"
    case .range(let first, let last): "\(first)-\(last)"
    case .subnet(let network): "\(network)"
    }
  }

  /// The lowest and the highest address.
  var bounds: (first: IPAddress, last: IPAddress) {
    switch form {
    case .single(let address): (address, address)
    case .range(let first, let last): (first, last)
    case .subnet(let network): (network.address, network.lastAddress)
    }
  }
}

extension IPNetwork {
  fileprivate var lastAddress: IPAddress {
    switch address {
    case .v4(let bits): .v4(bits | UInt32.max >> prefixLength)
    case .v6(let bits): .v6(bits | UInt128.max >> prefixLength)
    }
  }
}
