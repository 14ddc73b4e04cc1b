import LibCrypto
import SMTPAuth
import Testing

/// What a step says, comparable.
enum Answer: Equatable {
  case challenge(String)
  case success(String)
  case failure(AuthenticationFailure.Reason)

  init(_ step: SASLStep) {
    switch step {
    case .challenge(let octets): self = .challenge(String(decoding: octets, as: UTF8.self))
    case .success(let identity): self = .success(identity)
    case .failure(let failure): self = .failure(failure.reason)
    }
  }
}

extension SASLMechanism {
  /// The answers to one client's words.
  func run(_ words: [[UInt8]?], _ authenticator: Authenticator) async -> [Answer] {
    let exchange = makeExchange(authenticator)
    var answers: [Answer] = []
    for word in words { answers.append(Answer(await exchange.step(word))) }
    return answers
  }
}

extension Authenticator {
  /// The answer to PLAIN with this username and password.
  func answer(_ username: String, _ password: String) async -> Answer {
    Answer(await step(username, password))
  }

  func step(_ username: String, _ password: String) async -> SASLStep {
    await SASLMechanism.plain.makeExchange(self).step(Array("\0\(username)\0\(password)".utf8))
  }
}

extension ScryptParameters {
  /// N = 16: for tests that have no time.
  static func quick() throws -> ScryptParameters {
    try #require(ScryptParameters(costExponent: 4, blockSize: 8, parallelization: 1))
  }
}

/// `tim`, whose identity is `user-tim`, with a password that somebody chose.
func authenticator(
  for username: String = "tim", _ password: String = "tanstaaftanstaaf",
  limits: AuthenticationLimits = AuthenticationLimits()
) throws -> Authenticator {
  let source = InMemoryCredentialSource()
  let verifier = try SecretVerifier.scrypt(of: password, parameters: .quick())
  source.set([Credential(identity: "user-\(username)", verifier: verifier)], for: username)
  return Authenticator(source: source, key: try .generate(), slowParameters: try .quick(), limits: limits)
}
