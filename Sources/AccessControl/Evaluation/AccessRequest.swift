public import MailModel

/// What is known of a client that wants to come in.
public struct AccessRequest: Hashable, Sendable {
  /// From where it comes, as the one who decides should see it: behind a proxy that is trusted, the client's own.
  public var address: IPAddress
  /// By which kind of endpoint.
  public var endpointType: EndpointType

  /// A request of these parts.
  public init(address: IPAddress, endpointType: EndpointType) {
    (self.address, self.endpointType) = (address, endpointType)
  }
}
