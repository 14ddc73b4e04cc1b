public import MailModel

/// What is known of a connection before the first word.
public struct ConnectionFacts: Hashable, Sendable {
  /// The client's address and port, or `nil` where the transport has none (a pipe, a test).
  public var client: SocketEndpoint?
  /// Where the client came in, `nil` likewise.
  public var local: SocketEndpoint?
  /// From where the endpoint can be reached.
  public var endpointType: EndpointType

  /// These facts.
  public init(client: SocketEndpoint?, local: SocketEndpoint? = nil, endpointType: EndpointType = .public) {
    (self.client, self.local, self.endpointType) = (client, local, endpointType)
  }
}
