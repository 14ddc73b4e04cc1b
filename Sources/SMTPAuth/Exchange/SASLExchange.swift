/// One run of a SASL mechanism (RFC 4422) from the server's side, in octets: whoever drives it does base64, cancelling
/// and the limits of lines.
public protocol SASLExchange: Sendable {
  /// The client's next words. Called one at a time, until it gives success or failure, and not after that.
  ///
  /// - Parameter response: `nil` in the first call where the client sent no initial response; an empty array where it
  ///   sent an empty one.
  func step(_ response: [UInt8]?) async -> SASLStep
}

/// What an exchange says next.
public enum SASLStep: Sendable {
  /// Ask the client for more, with these octets.
  case challenge([UInt8])
  /// The client is who it says: the ``Credential/identity`` that it proved.
  case success(identity: String)
  /// It is not, or that could not be found out.
  case failure(AuthenticationFailure)
}
