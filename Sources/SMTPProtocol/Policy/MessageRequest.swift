public import MailModel

/// What is known when a message's content is about to come.
public struct MessageRequest: Hashable, Sendable {
  /// Who sends to whom. At least one recipient.
  public var envelope: Envelope
  /// The size that the client announced, in octets (RFC 1870).
  public var declaredSize: Int?
  /// The name that the client gave itself in EHLO or HELO; `nil` where it gave none since TLS began.
  public var clientName: ClientName?
  /// The identity that AUTH proved.
  public var identity: String?
  /// What protects the connection.
  public var tls: TLSFacts?
  /// The keyword of a Received field's `with`: SMTP, ESMTP, ESMTPS, ESMTPA or ESMTPSA (RFC 3848); with SMTPUTF8 UTF8SMTP,
  /// UTF8SMTPS, UTF8SMTPA or UTF8SMTPSA (RFC 6531 §4.3).
  public var protocolKeyword: String

  /// These facts.
  public init(
    envelope: Envelope, declaredSize: Int? = nil, clientName: ClientName? = nil, identity: String? = nil,
    tls: TLSFacts? = nil, protocolKeyword: String = "ESMTP"
  ) {
    (self.envelope, self.declaredSize, self.clientName) = (envelope, declaredSize, clientName)
    (self.identity, self.tls, self.protocolKeyword) = (identity, tls, protocolKeyword)
  }
}
