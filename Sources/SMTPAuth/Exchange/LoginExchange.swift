import Synchronization

/// LOGIN (draft-murchison-sasl-login): the username, then the password, each asked for. An initial response is the
/// username.
final class LoginExchange: SASLExchange {
  private enum State: Sendable {
    case start
    case username
    case password(Username)
    case finished
  }

  private enum Action {
    case step(SASLStep)
    case authenticate(Username, Password)
  }

  private let authenticator: Authenticator
  private let state = Mutex(State.start)

  init(_ authenticator: Authenticator) { self.authenticator = authenticator }

  func step(_ response: [UInt8]?) async -> SASLStep {
    switch state.withLock({ advance(&$0, response) }) {
    case .step(let step): step
    case .authenticate(let username, let password): await authenticator.authenticate(username, password)
    }
  }

  private func advance(_ state: inout State, _ response: [UInt8]?) -> Action {
    switch (state, response) {
    case (.start, nil):
      state = .username
      return .step(.challenge(Array("Username:".utf8)))
    case (.start, let response?), (.username, let response?):
      guard let username = Username(response[...], limits: authenticator.limits) else { break }
      state = .password(username)
      return .step(.challenge(Array("Password:".utf8)))
    case (.password(let username), let response?):
      guard let password = Password(response[...], limits: authenticator.limits) else { break }
      state = .finished
      return .authenticate(username, password)
    case (.username, nil), (.password, nil), (.finished, _): break
    }
    state = .finished
    return .step(.failure(.malformedResponse))
  }
}
