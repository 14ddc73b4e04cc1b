import LibCrypto
import Testing

@testable import SMTPAuth

struct AuthenticatorTests {
  private struct SourceIsDown: Error {}

  private struct BrokenSource: CredentialSource {
    func lookup(_ username: String) async throws -> CredentialLookup { throw SourceIsDown() }
  }

  @Test func saysThatASourceIsDown() async throws {
    let authenticator = Authenticator(source: BrokenSource(), key: try .generate())
    for username in ["tim", "jim"] {
      guard case .failure(let failure) = await authenticator.step(username, "tanstaaftanstaaf") else {
        Issue.record("not a failure")
        continue
      }
      #expect(failure.reason == .temporarilyUnavailable)
      #expect(failure.cause is SourceIsDown)
      #expect(!failure.description.contains("SourceIsDown"))
      #expect(failure.debugDescription.contains("SourceIsDown"))
    }
  }

  /// What a wrong password and an unknown username cost, for users of each kind, with and without slow verifiers about.
  @Test(arguments: [false, true])
  func strangersCostWhatUsersCost(slowVerifiersExist: Bool) async throws {
    let key = try DeploymentKey.generate()
    let source = InMemoryCredentialSource()
    let secret = SecretGenerator.password()
    let fast = Credential(identity: "fast", verifier: try .keyedDigest(of: secret, under: key))
    let other = Credential(identity: "other", verifier: try .keyedDigest(of: SecretGenerator.password(), under: key))
    source.set([fast], for: "fast")
    source.set([other, other, other, fast], for: "several")
    var users = ["fast", "several"]
    if slowVerifiersExist {
      let slow = Credential(identity: "slow", verifier: try .scrypt(of: "chosen", parameters: .quick()))
      source.set([slow], for: "slow")
      source.set([slow, slow, fast], for: "both")
      users += ["slow", "both"]
    }
    let authenticator = Authenticator(source: source, key: key, slowParameters: try .quick())
    let expected = VerificationCounts(digests: 1, derivations: slowVerifiersExist ? 1 : 0)
    for username in users + ["nobody"] {
      let before = authenticator.verificationCounts
      #expect(await authenticator.answer(username, "wrong") == .failure(.invalidCredentials))
      #expect(authenticator.verificationCounts - before == expected, "\(username)")
    }
    #expect(await authenticator.answer("fast", secret.text) == .success("fast"))
    #expect(await authenticator.answer("several", secret.text) == .success("fast"))
    if slowVerifiersExist {
      #expect(await authenticator.answer("slow", "chosen") == .success("slow"))
      #expect(await authenticator.answer("both", "chosen") == .success("slow"))
      #expect(await authenticator.answer("both", secret.text) == .success("fast"))
    }
  }

  /// A right generated secret never waits for a derivation, whatever else there is.
  @Test func generatedSecretsAreFast() async throws {
    let key = try DeploymentKey.generate()
    let source = InMemoryCredentialSource()
    let secret = SecretGenerator.password()
    source.set(
      [
        Credential(identity: "1", verifier: try .scrypt(of: "chosen", parameters: .quick())),
        Credential(identity: "1", verifier: try .keyedDigest(of: secret, under: key)),
      ], for: "tim")
    let authenticator = Authenticator(source: source, key: key)
    #expect(await authenticator.answer("tim", secret.text) == .success("1"))
    #expect(authenticator.verificationCounts == VerificationCounts(digests: 1, derivations: 0))
  }

  @Test func sourcesForgetAndCount() async throws {
    let source = InMemoryCredentialSource()
    let slow = Credential(identity: "1", verifier: try .scrypt(of: "chosen", parameters: .quick()))
    #expect(try await source.lookup("tim").slowVerifiersExist == false)
    source.set([slow], for: "tim")
    source.set([slow, slow], for: "tim")
    #expect(try await source.lookup("jim").slowVerifiersExist)
    #expect(try await source.lookup("tim").credentials == [slow, slow])
    source.set([], for: "tim")
    #expect(try await source.lookup("tim").slowVerifiersExist == false)
    #expect(try await source.lookup("tim").credentials.isEmpty)
    source.set([], for: "nobody")
    #expect(try await source.lookup("nobody").slowVerifiersExist == false)
  }

  @Test func manyAtOnceAreAllAnswered() async throws {
    let authenticator = try authenticator()
    let answers = await withTaskGroup(of: (Int, Answer).self) { group in
      for number in 0..<60 {
        group.addTask { (number, await authenticator.answer(number % 2 == 0 ? "tim" : "jim", "tanstaaftanstaaf")) }
      }
      var answers: [Int: Answer] = [:]
      for await (number, answer) in group { answers[number] = answer }
      return answers
    }
    for number in 0..<60 {
      #expect(answers[number] == (number % 2 == 0 ? .success("user-tim") : .failure(.invalidCredentials)))
    }
  }
}

extension VerificationCounts {
  fileprivate static func - (left: VerificationCounts, right: VerificationCounts) -> VerificationCounts {
    VerificationCounts(digests: left.digests - right.digests, derivations: left.derivations - right.derivations)
  }
}
