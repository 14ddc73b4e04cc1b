import LibCrypto
import SMTPAuth
import Testing

struct SecretTests {
  @Test func generatesPasswords() throws {
    let passwords = (0..<500).map { _ in SecretGenerator.password().text }
    #expect(Set(passwords).count == passwords.count)
    #expect(passwords.allSatisfy { $0.utf8.count == 28 })
    // 14,000 characters of 57 kinds: each is missed once in e^240 runs.
    #expect(Set(passwords.joined()) == Set("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"))
  }

  @Test func generatesUsernames() throws {
    let usernames = (0..<500).map { _ in SecretGenerator.username() }
    #expect(Set(usernames).count == usernames.count)
    for username in usernames { #expect(username.wholeMatch(of: /[a-z0-9]{18}[0-9]{2}/) != nil) }
    #expect(Set(usernames.joined()).count == 36)
    #expect(Set(usernames.map { $0.suffix(2) }.joined()).count == 10)
  }

  @Test func keysHave32Octets() throws {
    for (count, isValid) in [(0, false), (31, false), (32, true), (33, false)] {
      #expect((DeploymentKey([UInt8](repeating: 7, count: count)) != nil) == isValid)
    }
    let (one, other) = (try DeploymentKey.generate(), try DeploymentKey.generate())
    #expect(one.octets.count == 32)
    #expect(one.octets != other.octets)
    #expect(DeploymentKey(one.octets)?.octets == one.octets)
  }

  @Test func verifiersRoundTrip() throws {
    let key = try DeploymentKey.generate()
    let verifiers = [
      try SecretVerifier.keyedDigest(of: SecretGenerator.password(), under: key),
      try SecretVerifier.scrypt(of: "tanstaaf", parameters: .quick()),
    ]
    for verifier in verifiers {
      #expect(SecretVerifier(encoded: verifier.encoded) == verifier)
      #expect(verifier.encoded.utf8.count <= SecretVerifier.maximumEncodedOctets)
    }
    #expect(verifiers.map(\.isSlow) == [false, true])
    #expect(verifiers[0].encoded.hasPrefix("$hmac-sha256$"))
    #expect(verifiers[1].encoded.hasPrefix("$scrypt$ln=4,r=8,p=1$"))
  }

  @Test func saltsAndKeysMakeADifference() throws {
    let secret = SecretGenerator.password()
    let (one, other) = (try DeploymentKey.generate(), try DeploymentKey.generate())
    #expect(try SecretVerifier.keyedDigest(of: secret, under: one) == .keyedDigest(of: secret, under: one))
    #expect(try SecretVerifier.keyedDigest(of: secret, under: one) != .keyedDigest(of: secret, under: other))
    #expect(try SecretVerifier.scrypt(of: "same", parameters: .quick()) != .scrypt(of: "same", parameters: .quick()))
  }

  /// Made with Python's hashlib.scrypt and base64, the salt being the octets 0 to 15.
  @Test(arguments: [
    ("correct horse", "$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$JbN2hANm9NOw4h5BRHZnbjzQ6Jr0QwNWojTOC2WgIbU"),
    ("tanstaaftanstaaf", "$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$k9jDk3InbqB6dvFXIvdfLWLKvrITn7BSEf7jX7MYWjQ"),
  ])
  func takesVerifiersOfOtherSoftware(password: String, encoded: String) async throws {
    let source = InMemoryCredentialSource()
    let verifier = try #require(SecretVerifier(encoded: encoded))
    #expect(verifier.encoded == encoded)
    source.set([Credential(identity: "1", verifier: verifier)], for: "tim")
    let authenticator = Authenticator(source: source, key: try .generate())
    #expect(await authenticator.answer("tim", password) == .success("1"))
    #expect(await authenticator.answer("tim", password + "!") == .failure(.invalidCredentials))
  }

  /// Made with Python's hmac, the key being the octets 0 to 31.
  @Test func digestsAsOthersDo() async throws {
    let source = InMemoryCredentialSource()
    let verifier = try #require(
      SecretVerifier(encoded: "$hmac-sha256$Qs5DaXZ6K5WNn5oAs2xTkBWyT8zvB1JJ5Dq0M41QcMA"))
    source.set([Credential(identity: "1", verifier: verifier)], for: "tim")
    let key = try #require(DeploymentKey([UInt8](0..<32)))
    let authenticator = Authenticator(source: source, key: key)
    #expect(await authenticator.answer("tim", "abcdefghjkmnpqrstuvwxyz23456") == .success("1"))
    #expect(await authenticator.answer("tim", "abcdefghjkmnpqrstuvwxyz2345") == .failure(.invalidCredentials))
    let stranger = Authenticator(source: source, key: try .generate())
    #expect(await stranger.answer("tim", "abcdefghjkmnpqrstuvwxyz23456") == .failure(.invalidCredentials))
  }

  private static let salt = "AAECAwQFBgcICQoLDA0ODw"
  private static let digest = "k9jDk3InbqB6dvFXIvdfLWLKvrITn7BSEf7jX7MYWjQ"

  static let hostile =
    [
      "", "$", "$$", "$$$$$", "password", "hmac-sha256$\(digest)", "$hmac-sha256", "$hmac-sha256$",
      "$HMAC-SHA256$\(digest)",
      "$hmac-sha256$\(digest)$", "$hmac-sha256$\(digest)=", "$hmac-sha256$\(digest.dropLast())",
      "$hmac-sha256$\(digest)AA", "$hmac-sha256$ \(digest.dropFirst())", "$hmac-sha256$-\(digest.dropFirst())",
      "$hmac-sha256$\(digest.dropLast())R",  // bits left over
      "$hmac-sha256$\(digest)\n", "\n$hmac-sha256$\(digest)", "$hmac-sha256$$\(digest)",
      "$md5$\(digest)", "$scrypt$\(digest)", "$scrypt$ln=4,r=8,p=1$\(salt)", "$scrypt$ln=4,r=8,p=1$\(salt)$",
      "$scrypt$ln=4,r=8,p=1$$\(digest)", "$scrypt$ln=4,r=8,p=1$\(salt)$\(digest)$",
      "$scrypt$ln=4,r=8,p=1$\(salt)$\(digest.dropLast(2))", "$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0O$\(digest)",
      "$scrypt$ln=4,r=8,p=1$\(String(repeating: "A", count: 87))$\(digest)",  // 65 octets of salt
      "$scrypt$ln=4,r=8,p=1$\(String(repeating: "A", count: 100_000))$\(digest)",
    ]
    + [
      "", "ln=4", "ln=4,r=8", "ln=4,r=8,p=1,", "ln=4,r=8,p=1,x=1", "r=8,ln=4,p=1", "ln=4,p=1,r=8", "LN=4,r=8,p=1",
      "ln=04,r=8,p=1", "ln=+4,r=8,p=1", "ln=-4,r=8,p=1", "ln= 4,r=8,p=1", "ln=4 ,r=8,p=1", "ln=4.0,r=8,p=1",
      "ln=0x4,r=8,p=1", "ln=,r=8,p=1", "ln=0,r=8,p=1", "ln=4,r=0,p=1", "ln=4,r=8,p=0", "ln=٤,r=8,p=1",
      "ln=18,r=8,p=1", "ln=17,r=9,p=1", "ln=17,r=8,p=2", "ln=31,r=8,p=1", "ln=63,r=8,p=1", "ln=64,r=8,p=1",
      "ln=14,r=1073741824,p=1", "ln=14,r=8,p=1073741824", "ln=14,r=9223372036854775807,p=9223372036854775807",
      "ln=99999999999999999999,r=8,p=1", "n=16,r=8,p=1",
    ].map { "$scrypt$\($0)$\(salt)$\(digest)" }

  @Test(arguments: hostile)
  func refusesHostileVerifiers(text: String) {
    #expect(SecretVerifier(encoded: text) == nil)
  }

  @Test func takesSaltsOf16To64Octets() {
    for count in [22, 86] {
      let text = "$scrypt$ln=4,r=8,p=1$\(String(repeating: "A", count: count))$\(Self.digest)"
      #expect(SecretVerifier(encoded: text)?.encoded == text)
    }
  }

  @Test func secretsAreNotSeen() async throws {
    let secret = SecretGenerator.password()
    let key = try DeploymentKey.generate()
    let digest = try SecretVerifier.keyedDigest(of: secret, under: key)
    let slow = try SecretVerifier.scrypt(of: "tanstaaftanstaaf", parameters: .quick())
    let source = InMemoryCredentialSource()
    source.set([Credential(identity: "1", verifier: digest), Credential(identity: "1", verifier: slow)], for: "tim")
    let authenticator = Authenticator(source: source, key: key)
    let exchange = SASLMechanism.login.makeExchange(authenticator)
    _ = await exchange.step(Array("tim".utf8))
    let values: [Any] = [
      secret, key, digest, slow, Credential(identity: "1", verifier: digest), [slow],
      CredentialLookup(credentials: [Credential(identity: "1", verifier: slow)], slowVerifiersExist: true), source,
      authenticator, exchange, SASLMechanism.plain.makeExchange(authenticator),
    ]
    var forbidden = [secret.text, "tanstaaftanstaaf"]
    forbidden.append(contentsOf: digest.encoded.split(separator: "$").suffix(1).map { String($0) })
    forbidden.append(contentsOf: slow.encoded.split(separator: "$").suffix(2).map { String($0) })
    // However a list of octets may be shown, its numbers stand in order.
    let forbiddenNumbers = [key.octets, Array(secret.text.utf8), Array("tanstaaftanstaaf".utf8)].map { octets in
      octets.map { String($0) }.joined(separator: " ")
    }
    for value in values {
      var dumped = ""
      dump(value, to: &dumped)
      let shown = ["\(value)", String(describing: value), String(reflecting: value), dumped]
      for text in shown {
        for word in forbidden { #expect(!text.contains(word), "\(type(of: value))") }
        let numbers = text.split { !$0.isNumber }.joined(separator: " ")
        for octets in forbiddenNumbers { #expect(!numbers.contains(octets), "\(type(of: value))") }
      }
    }
    #expect("\(slow)" == "SecretVerifier(scrypt ln=4,r=8,p=1)")
  }
}
