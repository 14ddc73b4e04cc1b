public import MailModel

/// A SASL exchange (RFC 4422) from the server's side. The protocol does base64, cancelling and limits; the exchange
/// sees octets.
public protocol AuthenticationExchange: Sendable {
  /// The client's next words. Called one at a time, until it gives success or failure.
  ///
  /// - Parameter response: `nil` in the first call where the client sent no initial response.
  func step(_ response: [UInt8]?) async -> AuthenticationStep
}

/// What an exchange says next.
public enum AuthenticationStep: Hashable, Sendable {
  /// Ask the client for more, with these octets.
  case challenge([UInt8])
  /// The client is who it says: this identity, a name for logs.
  case success(identity: String)
  /// It is not, or it could not be found out. Usually 535 5.7.8 or 454 4.7.0 (RFC 4954 §6).
  case failure(SMTPReply)
}
