public import MailModel

/// What MAIL says.
public struct SenderRequest: Hashable, Sendable {
  /// Who sends.
  public var reversePath: ReversePath
  /// What the client declares of the content (RFC 6152).
  public var bodyType: BodyType
  /// The size that the client announces, in octets (RFC 1870), within the session's limit.
  public var declaredSize: Int?

  /// These facts.
  public init(reversePath: ReversePath, bodyType: BodyType = .sevenBit, declaredSize: Int? = nil) {
    (self.reversePath, self.bodyType, self.declaredSize) = (reversePath, bodyType, declaredSize)
  }
}
