import DeliveryQueue
import MailModel
import NIOSSL
import SMTPProtocol
import Testing

@testable import SMTPDelivery

@Suite(
  "The relay transport and TLS",
  .enabled(if: TestCertificate.shared != nil, "openssl is not installed"), .timeLimit(.minutes(10)))
struct RelayTLSTests {
  private static let content = OctetsContent("Subject: x\r\n\r\nhello\r\n")
  private let certificate: TestCertificate
  private let tls: NIOSSLContext

  init() throws {
    certificate = try #require(TestCertificate.shared)
    let chain = try NIOSSLCertificate.fromPEMFile(certificate.certificatePath)
    tls = try NIOSSLContext(
      configuration: .makeServerConfiguration(
        certificateChain: chain.map { .certificate($0) },
        privateKey: .privateKey(try NIOSSLPrivateKey(file: certificate.keyPath, format: .pem))))
  }

  private func script(
    startTLS: ScriptedServer.Move? = .startTLS("220 2.0.0 go"), authentication: String = "235 2.7.0 welcome"
  ) -> ScriptedServer.Script {
    { event, connection in
      switch event {
      case "": .say("220 mx.example")
      case "EHLO client.example":
        .say("250-mx.example\r\n\(startTLS == nil ? "" : "250-STARTTLS\r\n")250-AUTH PLAIN\r\n250 PIPELINING")
      case "STARTTLS": startTLS ?? .say("502 5.5.1 no")
      case "DATA": .takeContent("354 go")
      case ".": .say("250 2.0.0 kept")
      case let event where event.hasPrefix("AUTH"): .say(authentication)
      default: .say("250 ok")
      }
    }
  }

  private func send(_ server: ScriptedServer, _ configuration: RelayConfiguration) async throws -> DeliveryReport {
    try await RelayTransport.send(Self.content, to: "b@example.org", by: configuration)
  }

  private static let delivered = [DeliveryOutcome.delivered(DeliveryReply(code: 250, text: "250 2.0.0 kept"))]

  @Test func requiredWithATrustedCertificate() async throws {
    try await ScriptedServer.run(tls: tls, script()) { server in
      let report = try await send(
        server,
        .test(server.endpoint, .required, user: "user") { $0.trust = .pemFile(certificate.certificatePath) })
      #expect(report.outcomes == Self.delivered)
      #expect(report.hostProblem == nil)
      #expect(
        server.record.commands.prefix(4)
          == ["EHLO client.example", "STARTTLS", "EHLO client.example", "AUTH PLAIN AHVzZXIAc2VjcmV0"])
    }
  }

  @Test func implicit() async throws {
    try await ScriptedServer.run(tls: tls, implicitTLS: true, script(startTLS: nil)) { server in
      let report = try await send(
        server, .test(server.endpoint, .implicit) { $0.trust = .pemFile(certificate.certificatePath) })
      #expect(report.outcomes == Self.delivered)
    }
  }

  @Test func theCertificateMayBearAnotherNameThatIsGiven() async throws {
    try await ScriptedServer.run(tls: tls, script()) { server in
      let report = try await send(
        server,
        .test(server.endpoint, .required) {
          $0.trust = .pemFile(certificate.certificatePath)
          $0.certificateName = DomainName("relay.example")
        })
      #expect(report.outcomes == Self.delivered)
    }
  }

  @Test(arguments: [ClientSecurity.required, .implicit])
  func aCertificateThatNobodyTrusts(_ security: ClientSecurity) async throws {
    try await ScriptedServer.run(tls: tls, implicitTLS: security == .implicit, script()) { server in
      let report = try await send(server, .test(server.endpoint, security))
      #expect(report.isDeferred)
      #expect(
        report.hostProblem
          == "\(server.endpoint) could not agree on TLS with us: its certificate is not trusted, or is out of date")
      #expect(!server.record.commands.contains { $0.hasPrefix("MAIL") })
    }
  }

  @Test func aCertificateOfAnotherHost() async throws {
    try await ScriptedServer.run(tls: tls, script()) { server in
      let report = try await send(
        server,
        .test(server.endpoint, .required) {
          $0.trust = .pemFile(certificate.certificatePath)
          $0.certificateName = DomainName("other.example")
        })
      #expect(report.isDeferred)
      #expect(
        report.hostProblem == "\(server.endpoint) could not agree on TLS with us: its certificate is another host's")
    }
  }

  @Test func namesInCertificates() {
    #expect(RelayTLS.matches("Mail.example.com", "mail.example.com"))
    #expect(RelayTLS.matches("*.example.com", "mail.example.com"))
    for pattern in ["example.com", "*.com", "*", "*.mail.example.com", "m*.example.com", "*.*.com", "", "*."] {
      #expect(!RelayTLS.matches(pattern, "mail.example.com"), "\(pattern)")
    }
    #expect(!RelayTLS.matches("*.localhost", "localhost"))
  }

  @Test func anyCertificateWhereThatIsAskedFor() async throws {
    try await ScriptedServer.run(tls: tls, script()) { server in
      let report = try await send(server, .test(server.endpoint, .required) { $0.trust = .anyCertificate })
      #expect(report.outcomes == Self.delivered)
    }
  }

  @Test func requiredButNotOffered() async throws {
    try await ScriptedServer.run(script(startTLS: nil)) { server in
      let report = try await send(server, .test(server.endpoint, .required, user: "user"))
      #expect(report.isDeferred)
      #expect(report.hostProblem == "\(server.endpoint) does not offer STARTTLS, which is required")
      #expect(server.record.commands == ["EHLO client.example"])
    }
  }

  @Test func octetsBehindTheReplyToStartTLS() async throws {
    let injection = "220 go\r\n250-mx.example\r\n250 AUTH PLAIN\r\n"
    try await ScriptedServer.run(tls: tls, script(startTLS: .sayExactly(injection))) { server in
      let report = try await send(server, .test(server.endpoint, .required, user: "user"))
      #expect(report.isDeferred)
      #expect(
        report.hostProblem
          == "\(server.endpoint) broke the protocol at TLS handshake: octets in clear came behind the reply to STARTTLS"
      )
      #expect(server.record.commands == ["EHLO client.example", "STARTTLS"])
    }
  }

  @Test func refusedCredentialsAreTheOperatorsBusinessAndAreNotShown() async throws {
    // A server may repeat what it was told.
    let echo = "535-5.7.8 AHNvbWVib2R5AGdlaGVpbQ==\r\n535 5.7.8 somebody geheim"
    try await ScriptedServer.run(tls: tls, script(authentication: echo)) { server in
      let report = try await send(
        server, .test(server.endpoint, .required, user: "somebody", password: "geheim") { $0.trust = .anyCertificate })
      #expect(report.outcomes == [.deferred(DeliveryReply(code: 535, text: "535 5.7.8"))])
      #expect(report.hostProblem == "\(server.endpoint) answered AUTH with 535 5.7.8")
    }
  }

  @Test(arguments: ["502 5.5.1 no", "554 5.7.0 no"])
  func requiredButRefused(_ reply: String) async throws {
    try await ScriptedServer.run(script(startTLS: .say(reply))) { server in
      let report = try await send(server, .test(server.endpoint, .required))
      #expect(report.outcomes == [.deferred(DeliveryReply(code: UInt16(reply.prefix(3)) ?? 0, text: reply))])
      #expect(report.hostProblem == "\(server.endpoint) answered STARTTLS with \(reply)")
      #expect(server.record.connections == 1)
      #expect(server.record.commands == ["EHLO client.example", "STARTTLS"])
    }
  }

  // MARK: Opportunistic

  @Test func opportunisticTakesAnyCertificate() async throws {
    try await ScriptedServer.run(tls: tls, script()) { server in
      let report = try await send(server, .test(server.endpoint, .opportunistic))
      #expect(report.outcomes == Self.delivered)
      #expect(server.record.connections == 1)
      #expect(server.record.commands.contains("STARTTLS"))
    }
  }

  @Test(arguments: ["454 4.7.0 later", "502 5.5.1 no", "554 5.7.0 no"])
  func opportunisticGoesOnInClearAndSaysSo(_ reply: String) async throws {
    try await ScriptedServer.run(script(startTLS: .say(reply))) { server in
      let report = try await send(server, .test(server.endpoint, .opportunistic))
      #expect(report.outcomes == Self.delivered)
      #expect(
        report.hostProblem == "\(server.endpoint) answered STARTTLS with \(reply), and was spoken to in clear")
      #expect(server.record.connections == 1)
    }
  }

  @Test func opportunisticWithoutAnOfferHasNothingToSay() async throws {
    try await ScriptedServer.run(script(startTLS: nil)) { server in
      let report = try await send(server, .test(server.endpoint, .opportunistic))
      #expect(report.outcomes == Self.delivered)
      #expect(report.hostProblem == nil)
    }
  }

  @Test func aDowngradeAndARefusalAreBothSaid() async throws {
    let script = script(startTLS: .say("502 5.5.1 no"))
    let refusing: ScriptedServer.Script = { $0.hasPrefix("MAIL") ? .say("530 5.7.0 AUTH first") : script($0, $1) }
    try await ScriptedServer.run(refusing) { server in
      let report = try await send(server, .test(server.endpoint, .opportunistic))
      #expect(report.isDeferred)
      #expect(
        report.hostProblem
          == "\(server.endpoint) answered STARTTLS with 502 5.5.1 no, and was spoken to in clear; "
          + "\(server.endpoint) answered MAIL with 530 5.7.0")
    }
  }

  @Test func opportunisticGoesOnInClearOnANewConnection() async throws {
    // The server says yes, and then cannot do it.
    let script = script(startTLS: .say("220 go"))
    let broken: ScriptedServer.Script = { event, connection in
      event.hasPrefix("EHLO") || event.hasPrefix("STARTTLS") || connection > 1 || event.isEmpty
        ? script(event, connection) : .sayExactly("500 what is this?\r\n")
    }
    try await ScriptedServer.run(broken) { server in
      let report = try await send(
        server, .test(server.endpoint, .opportunistic) { $0.client.limits.handshakeTimeout = .milliseconds(200) })
      #expect(report.outcomes == Self.delivered)
      #expect(
        report.hostProblem == "\(server.endpoint) took too long at TLS handshake, and was spoken to in clear"
          || report.hostProblem?.contains("could not agree on TLS with us") == true)
      #expect(server.record.connections == 2)
    }
  }

  @Test func requiredNeverGoesOnInClear() async throws {
    try await ScriptedServer.run(script(startTLS: .drop)) { server in
      let report = try await send(server, .test(server.endpoint, .required))
      #expect(report.isDeferred)
      #expect(server.record.connections == 1)
    }
  }

  // MARK: Used again

  @Test(arguments: [ClientSecurity.required, .implicit])
  func nobodySignsInTwiceOverOneConnection(_ security: ClientSecurity) async throws {
    let script = script(startTLS: security == .implicit ? nil : .startTLS("220 2.0.0 go"))
    try await ScriptedServer.run(tls: tls, implicitTLS: security == .implicit, script) { server in
      let transport = try RelayTransport(
        .test(server.endpoint, security, user: "user") { $0.trust = .pemFile(certificate.certificatePath) })
      for _ in 1...3 { #expect(try await transport.deliver(Self.content).outcomes == Self.delivered) }
      #expect(server.record.connections == 1)
      #expect(server.record.contents.count == 3)
      #expect(server.record.commands.filter { $0.hasPrefix("AUTH") }.count == 1)
      #expect(server.record.commands.filter { $0 == "STARTTLS" }.count == (security == .implicit ? 0 : 1))
    }
  }

  /// A message that could have TLS does not get a connection that was opened in clear.
  @Test func aConnectionInClearIsKeptForItsKind() async throws {
    let good = script()
    let broken: ScriptedServer.Script = { event, connection in
      connection == 1 && event == "STARTTLS" ? .sayAndDrop("220 go") : good(event, connection)
    }
    try await ScriptedServer.run(tls: tls, broken) { server in
      let transport = try RelayTransport(.test(server.endpoint, .opportunistic))
      let first = try await transport.deliver(Self.content)
      #expect(first.outcomes == Self.delivered)
      #expect(first.hostProblem?.hasSuffix("and was spoken to in clear") == true)
      #expect(server.record.connections == 2)
      for _ in 1...2 {
        let next = try await transport.deliver(Self.content)
        #expect(next.outcomes == Self.delivered)
        #expect(next.hostProblem == nil)
        #expect(server.record.connections == 3)
      }
    }
  }

  @Test func whoIsSpokenToInClearAgainIsSaidAgain() async throws {
    try await ScriptedServer.run(script(startTLS: .say("454 4.7.0 later"))) { server in
      let transport = try RelayTransport(.test(server.endpoint, .opportunistic))
      for _ in 1...2 {
        let report = try await transport.deliver(Self.content)
        #expect(report.outcomes == Self.delivered)
        #expect(report.hostProblem?.hasSuffix("454 4.7.0 later, and was spoken to in clear") == true)
      }
      #expect(server.record.connections == 1)
    }
  }

  @Test func trustRootsThatCannotBeRead() throws {
    let relay = try #require(RelayEndpoint("relay.example:587"))
    #expect {
      try RelayTransport(.test(relay, .required) { $0.trust = .pemFile("/nowhere/roots.pem") })
    } throws: { error in
      (error as? TransportError)?.code == .unusableCertificates
    }
  }
}
