/// PLAIN (RFC 4616): `[authzid] NUL authcid NUL passwd` in one response.
///
/// Nobody acts for another here: an authorization identity is taken only where it repeats the username.
struct PlainExchange: SASLExchange {
  private let authenticator: Authenticator

  init(_ authenticator: Authenticator) { self.authenticator = authenticator }

  func step(_ response: [UInt8]?) async -> SASLStep {
    guard let response else { return .challenge([]) }
    guard let message = PlainMessage(response),
      let username = Username(message.authenticationIdentity, limits: authenticator.limits),
      let password = Password(message.password, limits: authenticator.limits)
    else { return .failure(.malformedResponse) }
    guard message.authorizationIdentity.isEmpty || message.authorizationIdentity == message.authenticationIdentity
    else { return .failure(.invalidCredentials) }
    return await authenticator.authenticate(username, password)
  }
}

/// The three parts of a response, each as it came.
private struct PlainMessage {
  var authorizationIdentity: ArraySlice<UInt8>
  var authenticationIdentity: ArraySlice<UInt8>
  var password: ArraySlice<UInt8>

  /// `nil` where there are not exactly two NULs.
  init?(_ octets: [UInt8]) {
    let parts = octets.split(separator: 0, maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    (authorizationIdentity, authenticationIdentity, password) = (parts[0], parts[1], parts[2])
  }
}
