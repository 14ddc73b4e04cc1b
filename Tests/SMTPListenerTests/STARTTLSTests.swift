import MailModel
import NIOCore
import NIOSSL
import Testing

@testable import SMTPListener

@Suite(.timeLimit(.minutes(10))) struct STARTTLSTests {
  @Test func aMessageGoesInOverSTARTTLS() async throws {
    let policy = TestPolicy()
    try await withServer(policy: policy) { server in
      let client = try await TestClient(server.address)
      #expect(try await client.line() == "220 mail.example.com ESMTP")
      #expect(try await client.ask("EHLO client.example").contains("250-STARTTLS"))
      #expect(try await client.ask("AUTH PLAIN AHVzZXIAc2VjcmV0").hasPrefix("530 5.7.0"))
      #expect(try await client.ask("STARTTLS").hasPrefix("220 2.0.0"))
      try await client.startTLS(server.trust)
      #expect(try await client.ask("EHLO client.example").contains("AUTH PLAIN"))
      #expect(try await client.ask("AUTH PLAIN AHVzZXIAc2VjcmV0").hasPrefix("235"))
      #expect(try await client.ask("MAIL FROM:<a@example.com>") == "250 2.1.0 Ok")
      #expect(try await client.ask("RCPT TO:<b@example.org>") == "250 2.1.5 Ok")
      #expect(try await client.ask("DATA").hasPrefix("354"))
      #expect(try await client.ask("Subject: x\r\n\r\n..\r\n.") == "250 2.0.0 Ok: 17 octets")
      #expect(try await client.ask("QUIT").hasPrefix("221"))
      #expect(try await client.rest().isEmpty)
    }
    #expect(policy.log.events.contains("mechanisms TLSv1.3"))
    #expect(policy.log.events.suffix(3) == ["message ESMTPSA", "finish", "finished"])
  }

  @Test func pipelinedCommandsAreAnsweredInTheirOrder() async throws {
    try await withServer([.insecurePlaintext(host: "127.0.0.1", port: 0)], configuration: withoutAuthentication()) {
      let client = try await TestClient($0.address)
      let recipients = (0..<50).map { "RCPT TO:<r\($0)@example.org>" }
      let lines = ["EHLO c", "MAIL FROM:<a@example.com>"] + recipients + ["DATA"]
      try await client.write(lines.map { $0 + "\r\n" }.joined())
      _ = try await client.line()
      #expect(try await client.line().hasPrefix("250"))
      #expect(try await client.line() == "250 2.1.0 Ok")
      for _ in recipients { #expect(try await client.line() == "250 2.1.5 Ok") }
      #expect(try await client.line().hasPrefix("354"))
    }
  }

  /// CVE-2011-0411.
  @Test(arguments: [["STARTTLS\r\nEHLO evil\r\n"], ["STARTTLS\r\n", "EHLO evil\r\n"]])
  func whatIsSentInClearBehindSTARTTLSIsNeverAnswered(segments: [String]) async throws {
    let policy = TestPolicy()
    try await withServer(policy: policy) { server in
      let client = try await TestClient(server.address)
      _ = try await client.line()
      _ = try await client.ask("EHLO client.example")
      for segment in segments { try await client.write(segment) }
      let rest = try await client.octets()
      let text = String(decoding: rest, as: UTF8.self)
      #expect(!text.contains("250"))
      #expect(segments.count > 1 || text.hasPrefix("554 5.7.0"))
    }
    #expect(!policy.log.events.contains { $0.hasPrefix("mechanisms") })
  }

  @Test func aHandshakeBehindSTARTTLSInTheSameSegmentIsRefusedToo() async throws {
    try await withServer { server in
      let client = try await TestClient(server.address)
      _ = try await client.line()
      _ = try await client.ask("EHLO client.example")
      try await client.write("STARTTLS\r\n\u{16}\u{3}\u{1}")
      #expect(try await client.rest().first?.hasPrefix("554 5.7.0") == true)
    }
  }

  @Test func TLSBelow1_2IsRefused() async throws {
    let policy = TestPolicy()
    try await withServer(policy: policy) { server in
      let client = try await TestClient(server.address)
      _ = try await client.line()
      _ = try await client.ask("EHLO client.example")
      _ = try await client.ask("STARTTLS")
      var old = server.trust
      old.maximumVersion = .tlsv11
      try await client.startTLS(old)
      await #expect(throws: NIOSSLError.self) { _ = try await client.line() }
    }
    #expect(!policy.log.events.contains { $0.hasPrefix("mechanisms") })
  }

  @Test func TLS1_2IsTaken() async throws {
    let policy = TestPolicy()
    try await withServer(policy: policy) { server in
      let client = try await TestClient(server.address)
      var older = server.trust
      older.maximumVersion = .tlsv12
      try await client.logIn(older)
      #expect(try await client.ask("NOOP") == "250 2.0.0 Ok")
    }
    #expect(policy.log.events.contains("mechanisms TLSv1.2"))
  }

  @Test func implicitTLSGreetsBehindTheHandshake() async throws {
    let policy = TestPolicy()
    try await withServer([.implicitTLS(host: "127.0.0.1", port: 0)], policy: policy) { server in
      let client = try await TestClient(server.address, tls: server.trust)
      #expect(try await client.line() == "220 mail.example.com ESMTP")
      let hello = try await client.ask("EHLO client.example")
      #expect(hello.contains("AUTH PLAIN") && !hello.contains("STARTTLS"))
      #expect(try await client.ask("STARTTLS").hasPrefix("503 5.5.1"))
    }
    #expect(policy.log.events == ["connect", "mechanisms TLSv1.3"])
  }

  @Test func clearTextOnAnImplicitTLSEndpointReachesNobody() async throws {
    let policy = TestPolicy()
    try await withServer([.implicitTLS(host: "127.0.0.1", port: 0)], policy: policy) { server in
      let client = try await TestClient(server.address)
      try await client.send("EHLO client.example")
      #expect(!String(decoding: try await client.octets(), as: UTF8.self).contains("220"))
    }
    #expect(policy.log.events.isEmpty)
  }

  @Test func aRefusedConnectionIsToldWhy() async throws {
    var script = TestPolicy.Script()
    script.refusal = .init(554, .init("5.7.1"), "No")
    try await withServer(policy: TestPolicy(script)) { server in
      let client = try await TestClient(server.address)
      #expect(try await client.rest() == ["554 5.7.1 No"])
    }
  }
}
