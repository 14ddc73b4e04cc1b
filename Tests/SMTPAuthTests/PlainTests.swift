import SMTPAuth
import Testing

struct PlainTests {
  /// RFC 4616 §4, the first example: no initial response, so an empty challenge comes before it.
  @Test func asksForTheMessage() async throws {
    let authenticator = try authenticator()
    let answers = await SASLMechanism.plain.run([nil, Array("\0tim\0tanstaaftanstaaf".utf8)], authenticator)
    #expect(answers == [.challenge(""), .success("user-tim")])
  }

  /// RFC 4616 §4, the second: Kurt may not act for Ursel.
  @Test func letsNobodyActForAnother() async throws {
    let authenticator = try authenticator(for: "Kurt", "xipj3plmq")
    let answers = await SASLMechanism.plain.run([Array("Ursel\0Kurt\0xipj3plmq".utf8)], authenticator)
    #expect(answers == [.failure(.invalidCredentials)])
  }

  @Test(arguments: [
    ("\0tim\0tanstaaftanstaaf", true),
    ("tim\0tim\0tanstaaftanstaaf", true),
    ("Tim\0tim\0tanstaaftanstaaf", false),
    ("tim \0tim\0tanstaaftanstaaf", false),
    ("victim\0tim\0tanstaaftanstaaf", false),
    ("\0Tim\0tanstaaftanstaaf", false),
    ("\0tim\0tanstaaftanstaa", false),
    ("\0tim\0tanstaaftanstaaff", false),
    ("\0tim\0Tanstaaftanstaaf", false),
    ("\0jim\0tanstaaftanstaaf", false),
  ])
  func matchesExactly(message: String, isValid: Bool) async throws {
    let authenticator = try authenticator()
    let answers = await SASLMechanism.plain.run([Array(message.utf8)], authenticator)
    #expect(answers == [isValid ? .success("user-tim") : .failure(.invalidCredentials)])
  }

  @Test(arguments: [
    "", "\0", "\0\0", "\0\0\0", "\0\0\0\0", "tim", "tim\0tanstaaftanstaaf", "tim\0", "\0tim", "\0tim\0",
    "\0\0tanstaaftanstaaf", "victim\0\0tanstaaftanstaaf", "tim\0\0tanstaaftanstaaf",
    "\0tim\0tanstaaftanstaaf\0", "\0\0tim\0tanstaaftanstaaf", "\0tim\0\0tanstaaftanstaaf",
    "\0tim\0tanstaaf\0tanstaaf", "victim\0me\0mypass\0x",
    "\0tim\n\0tanstaaftanstaaf", "\0tim\0tanstaaftanstaaf\n", "\0ti\u{1B}[2Jm\0tanstaaftanstaaf",
    "\0tim\u{7F}\0tanstaaftanstaaf",
  ])
  func refusesMalformedMessages(message: String) async throws {
    let authenticator = try authenticator()
    let answers = await SASLMechanism.plain.run([Array(message.utf8)], authenticator)
    #expect(answers == [.failure(.malformedResponse)])
    #expect(authenticator.verificationCounts.digests == 0)
  }

  @Test(
    arguments: [
      [0x80], [0xC0, 0xAF], [0xC3], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFE], [0xE2, 0x82],
    ] as [[UInt8]])
  func refusesWhatIsNotUTF8(octets: [UInt8]) async throws {
    let authenticator = try authenticator()
    for message in [[0] + octets + [0, 0x61], [0, 0x74] + octets + [0, 0x61], [0, 0x74, 0] + octets] {
      let answers = await SASLMechanism.plain.run([message], authenticator)
      #expect(answers == [.failure(.malformedResponse)], "\(message)")
    }
  }

  @Test func takesShortAndForeignOnes() async throws {
    for (username, password) in [("t", "x"), ("тим", "пароль"), ("a b", " "), ("üser@example.com", "🗝️")] {
      let authenticator = try authenticator(for: username, password)
      let answer = await authenticator.answer(username, password)
      #expect(answer == .success("user-\(username)"))
    }
  }

  /// Swift takes both for the same string; the source and the verifier do not.
  @Test func comparesOctets() async throws {
    let authenticator = try authenticator(for: "ti\u{E9}", "caf\u{E9}")
    #expect(await authenticator.answer("ti\u{E9}", "caf\u{E9}") == .success("user-ti\u{E9}"))
    #expect(await authenticator.answer("tie\u{301}", "caf\u{E9}") == .failure(.invalidCredentials))
    #expect(await authenticator.answer("ti\u{E9}", "cafe\u{301}") == .failure(.invalidCredentials))
    let answers = await SASLMechanism.plain.run([Array("tie\u{301}\0ti\u{E9}\0caf\u{E9}".utf8)], authenticator)
    #expect(answers == [.failure(.invalidCredentials)])
  }

  @Test(arguments: [(254, true), (255, true), (256, false)])
  func boundsTheUsername(count: Int, isValid: Bool) async throws {
    let username = String(repeating: "u", count: count)
    let authenticator = try authenticator(for: username, "x")
    let answer = await authenticator.answer(username, "x")
    #expect(answer == (isValid ? .success("user-\(username)") : .failure(.malformedResponse)))
  }

  @Test(arguments: [(1_023, true), (1_024, true), (1_025, false)])
  func boundsThePassword(count: Int, isValid: Bool) async throws {
    let password = String(repeating: "p", count: count)
    let authenticator = try authenticator(for: "tim", password)
    let answer = await authenticator.answer("tim", password)
    #expect(answer == (isValid ? .success("user-tim") : .failure(.malformedResponse)))
  }

  @Test func keepsToOtherLimits() async throws {
    var limits = AuthenticationLimits()
    (limits.usernameOctets, limits.passwordOctets) = (3, 16)
    let authenticator = try authenticator(limits: limits)
    #expect(await authenticator.answer("tim", "tanstaaftanstaaf") == .success("user-tim"))
    #expect(await authenticator.answer("timo", "tanstaaftanstaaf") == .failure(.malformedResponse))
    #expect(await authenticator.answer("tim", "tanstaaftanstaaf!") == .failure(.malformedResponse))
  }
}
