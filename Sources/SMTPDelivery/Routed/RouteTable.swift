import DeliveryQueue
import MailModel

/// Transports, and which of them is for a destination.
struct RouteTable: Sendable {
  /// Each transport once, the default first.
  private(set) var transports: [any DeliveryTransport]
  /// Places of transports, by the whole domain.
  private var exact: [Substring: Int] = [:]
  /// Places of transports, by what follows the first label and its dot, or more labels.
  private var suffixes: [Substring: Int] = [:]

  init(_ routes: [RoutePattern: any DeliveryTransport], default fallback: any DeliveryTransport) {
    transports = [fallback]
    // An object that serves several routes is one transport: its recipients stay together.
    var places: [ObjectIdentifier: Int] = [:]
    if let identity = Self.identity(of: fallback) { places[identity] = 0 }
    for (pattern, transport) in routes {
      let identity = Self.identity(of: transport)
      let place = identity.flatMap { places[$0] } ?? transports.count
      if place == transports.count { transports.append(transport) }
      if let identity { places[identity] = place }
      switch pattern {
      case .domain(let domain): exact[domain.description[...]] = place
      case .subdomains(let domain): suffixes[domain.description[...]] = place
      }
    }
  }

  /// The place of the transport for a destination.
  func place(of destination: Mailbox.Host?) -> Int {
    guard case .domain(let domain) = destination else { return 0 }
    var rest = domain.description[...]
    if let place = exact[rest] { return place }
    guard !suffixes.isEmpty else { return 0 }
    while let dot = rest.utf8.firstIndex(of: UInt8(ascii: ".")) {
      rest = rest[rest.index(after: dot)...]
      if let place = suffixes[rest] { return place }
    }
    return 0
  }

  /// The transport for a destination.
  func transport(for destination: Mailbox.Host?) -> any DeliveryTransport { transports[place(of: destination)] }

  private static func identity(of transport: any DeliveryTransport) -> ObjectIdentifier? {
    type(of: transport) is AnyClass ? ObjectIdentifier(transport as AnyObject) : nil
  }
}
