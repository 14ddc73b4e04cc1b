public import MailModel

/// What MAIL says.
public struct SenderRequest: Hashable, Sendable {
  /// Who sends.
  public var reversePath: ReversePath
  /// What the client declares of the message, and asks for it.
  public var parameters: MessageParameters
  /// The size that the client announces, in octets (RFC 1870), within the session's limit.
  public var declaredSize: Int?

  /// These facts.
  public init(
    reversePath: ReversePath, parameters: MessageParameters = MessageParameters(), declaredSize: Int? = nil
  ) {
    (self.reversePath, self.parameters, self.declaredSize) = (reversePath, parameters, declaredSize)
  }
}
