import DeliveryQueue
import MailModel
import SMTPDelivery
import SMTPProtocol

/// Where the demo's mail goes.
struct DemoTransport {
  let hostName: DomainName
  /// For what has no route; `nil` for files in a folder.
  let relay: RelayEndpoint?
  let routes: [Route]

  func make(folder: String) throws -> any DeliveryTransport {
    var relays: [RelayEndpoint: RelayTransport] = [:]
    for endpoint in routes.map(\.relay) + (relay.map { [$0] } ?? []) where relays[endpoint] == nil {
      relays[endpoint] = try transport(to: endpoint)
    }
    let fallback: any DeliveryTransport =
      if let relay, let transport = relays[relay] { transport } else { try FolderTransport(path: folder) }
    guard !routes.isEmpty else { return fallback }
    var table: [RoutePattern: any DeliveryTransport] = [:]
    for route in routes { table[route.pattern] = relays[route.relay] }
    return RoutedTransport(routes: table, default: fallback)
  }

  private func transport(to relay: RelayEndpoint) throws -> RelayTransport {
    var client = ClientConfiguration(helloName: hostName)
    client.security = .opportunistic
    return try RelayTransport(RelayConfiguration(relay: relay, client: client))
  }
}
