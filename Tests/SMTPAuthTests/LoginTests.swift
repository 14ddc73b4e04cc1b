import SMTPAuth
import Testing

struct LoginTests {
  private static let username: [UInt8] = Array("tim".utf8)
  private static let password: [UInt8] = Array("tanstaaftanstaaf".utf8)

  @Test func asksForBoth() async throws {
    let answers = await SASLMechanism.login.run([nil, Self.username, Self.password], try authenticator())
    #expect(answers == [.challenge("Username:"), .challenge("Password:"), .success("user-tim")])
  }

  @Test func takesAnInitialResponseForTheUsername() async throws {
    let answers = await SASLMechanism.login.run([Self.username, Self.password], try authenticator())
    #expect(answers == [.challenge("Password:"), .success("user-tim")])
  }

  @Test func asksStrangersTheSame() async throws {
    let authenticator = try authenticator()
    for words in [[Array("jim".utf8), Self.password], [Self.username, Array("wrong".utf8)]] {
      let answers = await SASLMechanism.login.run([nil] + words, authenticator)
      #expect(answers == [.challenge("Username:"), .challenge("Password:"), .failure(.invalidCredentials)])
    }
  }

  @Test(arguments: [[], [0x74, 0], [0x74, 0x0A], [0xFF], [UInt8](repeating: 0x75, count: 256)] as [[UInt8]])
  func refusesUsernames(username: [UInt8]) async throws {
    let authenticator = try authenticator()
    let asked = await SASLMechanism.login.run([nil, username], authenticator)
    #expect(asked == [.challenge("Username:"), .failure(.malformedResponse)])
    let initial = await SASLMechanism.login.run([username], authenticator)
    #expect(initial == [.failure(.malformedResponse)])
  }

  @Test(arguments: [[], [0x74, 0], [0x74, 0x0A], [0xFF], [UInt8](repeating: 0x75, count: 1_025)] as [[UInt8]])
  func refusesPasswords(password: [UInt8]) async throws {
    let answers = await SASLMechanism.login.run([Self.username, password], try authenticator())
    #expect(answers == [.challenge("Password:"), .failure(.malformedResponse)])
  }

  /// A driver that does not keep to the contract gets nowhere.
  @Test func endsOutOfTurn() async throws {
    let authenticator = try authenticator()
    let twice = await SASLMechanism.login.run([nil, nil, Self.username, Self.password], authenticator)
    #expect(
      twice.dropFirst() == [.failure(.malformedResponse), .failure(.malformedResponse), .failure(.malformedResponse)])
    let noPassword = await SASLMechanism.login.run([Self.username, nil, Self.password], authenticator)
    #expect(noPassword.dropFirst() == [.failure(.malformedResponse), .failure(.malformedResponse)])
    let after = await SASLMechanism.login.run([Self.username, Self.password, Self.password], authenticator)
    #expect(after.dropFirst() == [.success("user-tim"), .failure(.malformedResponse)])
  }

  @Test func keepsRunsApart() async throws {
    let authenticator = try authenticator()
    let (first, second) = (
      SASLMechanism.login.makeExchange(authenticator), SASLMechanism.login.makeExchange(authenticator)
    )
    #expect(Answer(await first.step(Self.username)) == .challenge("Password:"))
    #expect(Answer(await second.step(nil)) == .challenge("Username:"))
    #expect(Answer(await first.step(Self.password)) == .success("user-tim"))
    #expect(Answer(await second.step(Array("jim".utf8))) == .challenge("Password:"))
  }

  @Test func namesItself() {
    #expect(SASLMechanism.allCases.map(\.rawValue) == ["PLAIN", "LOGIN"])
    #expect(SASLMechanism(rawValue: "LOGIN") == .login)
    #expect(SASLMechanism(rawValue: "CRAM-MD5") == nil)
  }
}
