/// A block of addresses: an address and the count of leading bits that count (RFC 4632, RFC 4291 §2.3).
public struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
  /// The first address of the block: bits behind the prefix are zero.
  public let address: IPAddress
  /// 0 to 32 for IPv4, 0 to 128 for IPv6.
  public let prefixLength: Int

  /// The block that `address` lies in. Bits behind the prefix may be set; they are cleared.
  /// `nil` where the prefix is longer than the address.
  public init?(_ address: IPAddress, prefixLength: Int) {
    switch address {
    case .v4(let bits):
      guard (0...32).contains(prefixLength) else { return nil }
      self.address = .v4(prefixLength == 0 ? 0 : bits & ~0 << (32 - UInt32(prefixLength)))
    case .v6(let bits):
      guard (0...128).contains(prefixLength) else { return nil }
      self.address = .v6(prefixLength == 0 ? 0 : bits & ~0 << (128 - UInt128(prefixLength)))
    }
    self.prefixLength = prefixLength
  }

  /// `192.0.2.0/24`, `2001:db8::/32`, or an address alone, which is a block of one. `::ffff:192.0.2.0/120` is
  /// `192.0.2.0/24`; a mapped IPv4 address with a shorter prefix than 96 bits is no block of either family.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = IPAddress(String(parts[0])) else { return nil }
    guard parts.count == 2 else {
      self.init(address, prefixLength: address.bitWidth)
      return
    }
    guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy(\.isASCIIDigit), let length = Int(parts[1]),
      parts[1] == "\(length)"
    else { return nil }
    let isMapped = address.bitWidth == 32 && parts[0].utf8.contains(UInt8(ascii: ":"))
    self.init(address, prefixLength: isMapped ? length - 96 : length)
  }

  /// Whether the block holds `candidate`. Addresses of another family are never in it.
  public func contains(_ candidate: IPAddress) -> Bool {
    switch (address, candidate) {
    case (.v4(let bits), .v4(let other)): prefixLength == 0 || (bits ^ other) >> (32 - UInt32(prefixLength)) == 0
    case (.v6(let bits), .v6(let other)): prefixLength == 0 || (bits ^ other) >> (128 - UInt128(prefixLength)) == 0
    default: false
    }
  }

  /// `192.0.2.0/24`.
  public var description: String { "\(address)/\(prefixLength)" }
}

extension IPAddress {
  /// 32 or 128.
  package var bitWidth: Int {
    switch self {
    case .v4: 32
    case .v6: 128
    }
  }
}
