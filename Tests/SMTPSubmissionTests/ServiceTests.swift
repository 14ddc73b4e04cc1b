import AccessControl
import DeliveryQueue
import MailModel
import SMTPAuth
import SMTPProtocol
import SMTPProtocolTesting
import SMTPSubmission
import Testing

@Suite struct ServiceTests {
  @Test func withoutARuleNobodyComesIn() async throws {
    let deployment = try await Deployment(isOpen: false)
    let driver = try deployment.connection()
    #expect(String(decoding: await driver.connect(), as: UTF8.self).hasPrefix("554 5.7.1 "))
    #expect(driver.isClosed)
  }

  @Test func anAddressOutsideTheZoneIsRefusedBeforeTheBanner() async throws {
    let deployment = try await Deployment()
    let driver = try deployment.connection(from: "192.0.2.1")
    #expect(String(decoding: await driver.connect(), as: UTF8.self).hasPrefix("554 5.7.1 "))
    let inside = try deployment.connection(from: "::ffff:127.0.0.1")
    #expect(String(decoding: await inside.connect(), as: UTF8.self) == "220 mail.example.net ESMTP\r\n")
  }

  @Test func aClientWithoutAnAddressIsRefused() async throws {
    let deployment = try await Deployment()
    let driver = SessionDriver(
      policy: deployment.service, configuration: ServerConfiguration(hostName: try #require(DomainName("a.example"))))
    #expect(String(decoding: await driver.connect(), as: UTF8.self).hasPrefix("554 5.7.1 "))
  }

  /// One instance's rule lets a client in; that is no way into another's.
  @Test func afterAUTHTheInstancesOwnRulesCount() async throws {
    let deployment = try await Deployment(isOpen: false)
    let other = Instance(name: "other")
    try await deployment.tenants.apply([
      .addInstance(other), .setAccessPolicy(other.id, try Deployment.loopbackOnly()),
    ])
    let driver = try deployment.connection()
    #expect(String(decoding: await driver.connect(), as: UTF8.self).hasPrefix("220"))
    _ = await driver.send("EHLO x\r\n")
    let response = Array("\0\(deployment.user.username)\0\(deployment.password)".utf8).base64
    // The same as for a wrong password: nobody learns from outside which passwords are right.
    #expect(await driver.send("AUTH PLAIN \(response)\r\n") == "535 5.7.8 Authentication credentials invalid\r\n")
    #expect(await driver.send("MAIL FROM:<a@example.com>\r\n").hasPrefix("530 5.7.0 "))
  }

  @Test func wrongAndUnknownAreTheSame() async throws {
    let deployment = try await Deployment()
    var replies: [String] = []
    for (username, password) in [(deployment.user.username, "wrong"), ("nobody", deployment.password), ("nobody", "x")]
    {
      let driver = try deployment.connection()
      _ = await driver.connect()
      _ = await driver.send("EHLO x\r\n")
      replies.append(await driver.send("AUTH PLAIN \(Array("\0\(username)\0\(password)".utf8).base64)\r\n"))
    }
    #expect(replies == Array(repeating: "535 5.7.8 Authentication credentials invalid\r\n", count: 3))
  }

  @Test func loginWorksToo() async throws {
    let deployment = try await Deployment()
    let driver = try deployment.connection()
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\n")
    #expect(await driver.send("AUTH LOGIN\r\n") == "334 VXNlcm5hbWU6\r\n")
    #expect(await driver.send(Array(deployment.user.username.utf8).base64 + "\r\n") == "334 UGFzc3dvcmQ6\r\n")
    #expect(
      await driver.send(Array(deployment.password.utf8).base64 + "\r\n") == "235 2.7.0 Authentication successful\r\n")
  }

  @Test(arguments: [
    ("a@example.com", true), ("A@EXAMPLE.COM", true), ("", true), ("a@example.org", false),
    ("a@sub.example.com", false),
    ("a@com", false), ("a@notexample.com", false), ("a@[127.0.0.1]", false), ("\"x@example.com\"@evil.example", false),
    ("a%example.com@evil.example", false),
  ])
  func onlyTheOwnDomainSends(sender: String, isOwn: Bool) async throws {
    let deployment = try await Deployment()
    let driver = try await deployment.session()
    let reply = await driver.send("MAIL FROM:<\(sender)>\r\n")
    #expect(reply.hasPrefix(isOwn ? "250 2.1.0 Ok" : "553 5.7.1 "))
    if !isOwn, let host = Mailbox(sender)?.host { #expect(reply.contains("\(host)")) }
  }

  @Test func whatIsTakenAwayIsGoneAtOnce() async throws {
    let deployment = try await Deployment()
    let driver = try await deployment.session()
    #expect(await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n").hasPrefix("250 2.1.0"))
    try await deployment.tenants.apply([.removeUser(deployment.user.id)])
    #expect(await driver.send("DATA\r\n").hasPrefix("421 4.7.0 "))
    #expect(driver.isClosed)
  }

  @Test func andBetweenDATAAndItsEndToo() async throws {
    let deployment = try await Deployment()
    let driver = try await deployment.session()
    _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nSubject: x\r\n")
    try await deployment.tenants.apply([.removeUser(deployment.user.id)])
    #expect(await driver.send("\r\n.\r\n").hasPrefix("421 4.7.0 "))
    #expect(try await deployment.memory.messages(after: nil, limit: 10).isEmpty)
  }

  @Test func oneUsernameSendsForEachOfItsDomains() async throws {
    let deployment = try await Deployment()
    let second = SMTPConfiguration(
      instance: deployment.instance.id, name: "second", domain: try #require(DomainName("example.net")))
    let clone = SMTPUser(
      configuration: second.id, username: deployment.user.username, verifier: deployment.user.verifier)
    try await deployment.tenants.apply([.addConfiguration(second), .addUser(clone)])
    let driver = try await deployment.session()
    #expect(await driver.send("MAIL FROM:<a@example.net>\r\n").hasPrefix("250"))
    #expect(await driver.send("RSET\r\nMAIL FROM:<a@example.com>\r\n").hasSuffix("250 2.1.0 Ok\r\n"))
  }
}

@Suite struct TenantTests {
  @Test func oneUsernameHasOnePassword() async throws {
    let deployment = try await Deployment()
    let key = try DeploymentKey.generate()
    let second = SMTPConfiguration(
      instance: deployment.instance.id, name: "second", domain: try #require(DomainName("example.net")))
    let other = SMTPUser(
      configuration: second.id, username: deployment.user.username,
      verifier: try .keyedDigest(of: SecretGenerator.password(), under: key))
    await #expect {
      try await deployment.tenants.apply([.addConfiguration(second), .addUser(other)])
    } throws: { ($0 as? TenantError)?.code == .alreadyExists }
    let clone = SMTPUser(
      configuration: second.id, username: deployment.user.username, verifier: deployment.user.verifier)
    try await deployment.tenants.apply([.addConfiguration(second), .addUser(clone)])
    // A new password is the new password everywhere.
    let changed = try SecretVerifier.keyedDigest(of: SecretGenerator.password(), under: key)
    try await deployment.tenants.apply([.setVerifier(clone.id, changed)])
    let verifiers = try await deployment.tenants.lookup(clone.username).credentials.map(\.verifier)
    #expect(verifiers == [changed, changed])
  }

  private func add(
    users count: Int, to deployment: Deployment, named name: (Int) -> String = { "user-\($0)" }
  ) async throws {
    let configuration = deployment.user.configuration
    for number in 0..<count {
      let user = SMTPUser(configuration: configuration, username: name(number), verifier: deployment.user.verifier)
      try await deployment.tenants.apply([.addUser(user)])
    }
  }

  @Test func fiveUsersAndNoMore() async throws {
    let deployment = try await Deployment()
    try await add(users: 4, to: deployment)
    await #expect { try await add(users: 1, to: deployment, named: { _ in "sixth" }) } throws: { error in
      (error as? TenantError)?.code == .limitReached
    }
    #expect(try await deployment.tenants.users(of: deployment.user.configuration).count == 5)
  }

  @Test func aDomainHasOneConfigurationOfAnInstance() async throws {
    let deployment = try await Deployment()
    let twin = SMTPConfiguration(
      instance: deployment.instance.id, name: "twin", domain: try #require(DomainName("EXAMPLE.com")))
    await #expect { try await deployment.tenants.apply([.addConfiguration(twin)]) } throws: { error in
      (error as? TenantError)?.code == .alreadyExists && "\(error)".contains("example.com")
    }
  }

  @Test func aUsernameBelongsToOneInstance() async throws {
    let deployment = try await Deployment()
    let other = Instance(name: "other")
    let configuration = SMTPConfiguration(
      instance: other.id, name: "other", domain: try #require(DomainName("other.example")))
    let namesake = SMTPUser(
      configuration: configuration.id, username: deployment.user.username, verifier: deployment.user.verifier)
    await #expect {
      try await deployment.tenants.apply([.addInstance(other), .addConfiguration(configuration), .addUser(namesake)])
    } throws: { ($0 as? TenantError)?.code == .alreadyExists }
    // All or nothing.
    #expect(try await deployment.tenants.instances().count == 1)
  }

  @Test func lookAlikesAreNotTheSame() async throws {
    let deployment = try await Deployment()
    try await add(users: 1, to: deployment, named: { _ in "caf\u{e9}" })
    #expect(try await deployment.tenants.lookup("caf\u{e9}").credentials.count == 1)
    #expect(try await deployment.tenants.lookup("cafe\u{301}").credentials.isEmpty)
  }
}
