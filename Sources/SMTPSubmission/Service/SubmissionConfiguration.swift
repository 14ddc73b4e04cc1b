public import MailModel

/// How a ``SubmissionService`` behaves.
public struct SubmissionConfiguration: Hashable, Sendable {
  /// The service's own name, in Received and Message-ID fields.
  public var hostName: DomainName
  /// Whether the Received field tells the client's address; default `true`. A name that the client gave itself is told in
  /// any case, unless it is an address.
  public var showsClientAddress = true
  /// What the delivery keeps of what a message may ask, where another process delivers and the ``SubmissionService`` has
  /// no service to ask: what ``DeliveryQueue/DeliveryService/extensions`` says over there. Default none, so that nothing is
  /// promised that nobody keeps. Without effect where the service has one.
  public var deliveryExtensions: MailExtensions = []
  /// How the log shows the addresses of an envelope; default masked.
  public var addressesInLog = AddressDisplay.masked
  /// What a message's content may be and cost.
  public var intake = IntakeLimits()

  /// The defaults for a service of that name.
  public init(hostName: DomainName) { self.hostName = hostName }
}
