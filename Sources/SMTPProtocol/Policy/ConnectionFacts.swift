public import MailModel

/// What is known of a connection before the first word.
public struct ConnectionFacts: Hashable, Sendable {
  /// The client's address and port, or `nil` where the transport has none (a pipe, a test). Behind a proxy whose header
  /// was read, those that it tells.
  public var client: SocketEndpoint?
  /// Where the client came in, `nil` likewise. Behind a proxy, its own address, as it tells.
  public var local: SocketEndpoint?
  /// From where the endpoint can be reached.
  public var endpointType: EndpointType
  /// All that the proxy's header told; `nil` where there was none.
  public var proxy: ProxyFacts?

  /// These facts.
  public init(
    client: SocketEndpoint?, local: SocketEndpoint? = nil, endpointType: EndpointType = .public,
    proxy: ProxyFacts? = nil
  ) {
    (self.client, self.local, self.endpointType, self.proxy) = (client, local, endpointType, proxy)
  }

  /// These facts, which are of a connection from a proxy, with what its header tells: the client's address and where it
  /// came in are the header's, except where it names none.
  public func told(by proxy: ProxyFacts) -> ConnectionFacts {
    ConnectionFacts(
      client: proxy.source ?? client, local: proxy.destination ?? local, endpointType: endpointType, proxy: proxy)
  }
}
