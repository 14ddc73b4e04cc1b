import Foundation
import PeerTesting
import Testing

/// Software that people send with, unchanged, against the running example.
@Suite(.serialized) struct ClientTests {
  private func withServer(_ body: (DemoServer) async throws -> Void) async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let server = try await DemoServer.start(data: folder + "/data")
    try await body(server)
    #expect(try await server.stop() == 0)
  }

  /// What was sent stands, byte for byte, under the fields that were added.
  private func expectDelivered(_ message: String, by output: String, _ server: DemoServer) async throws {
    let id = try queueID(in: output)
    try await eventually("\(id) delivered") { try await server.state(id) == "delivered" }
    let content = try server.delivered(id)
    #expect(content.utf8.reversed().starts(with: message.utf8.reversed()), "\(content)")
    let added = String(decoding: content.utf8.prefix(content.utf8.count - message.utf8.count), as: UTF8.self)
    #expect(added.hasPrefix("Received: from "))
    #expect(added.contains(" with ESMTPSA ") || added.contains("\twith ESMTPSA "))
    #expect(added.hasSuffix("\r\n") && !added.contains("\r\n\r\n"))
  }

  static let message = """
    From: Mailer <mailer@example.com>\r
    To: Recipient <recipient@example.org>\r
    Subject: A test\r
    Date: Sun, 22 Nov 2026 15:04:05 +0000\r
    Message-ID: <1@example.com>\r
    \r
    .leading dot\r
    ..two\r
    tab\tand blank \r
    \r

    """

  enum Way: String, CaseIterable, Sendable { case startTLS, implicit }
  static let ways = Way.allCases.flatMap { way in ["PLAIN", "LOGIN"].map { (way, $0) } }

  @Test(.needs(.openssl)) func theDocumentsTranscript() async throws {
    try await withServer { server in
      // Line by line, each when the answer to the one before is there, as a person types.
      let script = """
        import subprocess, sys
        p = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        lines = ["auth login", "dXNlcm5hbWU=", "cGFzc3dvcmQ=", "mail from: mailer@example.com", "rcpt to: recipient@test.com",
          "data", "from: Mailer <mailer@example.com>\\nto: Recipient <recipent@test.com>\\n"
          "Subject: IBM Cloud Event Notifications SMTP interface\\n"
          "Get the all events securely from IBM EN SMTP Interface\\n."]
        for line in lines:
          p.stdin.write((line + "\\n").encode()); p.stdin.flush()
          sys.stdout.write(p.stdout.readline().decode())
        p.kill()
        """
      let command = [
        "openssl", "s_client", "-quiet", "-starttls", "smtp", "-crlf", "-connect",
        "127.0.0.1:\(server.announcement.port)",
      ]
      let result = try await run(.python3, ["-c", script] + command)
      let lines = result.output.split(whereSeparator: \.isNewline).map(String.init)
      #expect(
        lines.dropLast() == [
          "334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 2.7.0 Authentication successful", "250 2.1.0 Ok", "250 2.1.5 Ok",
          "354 End data with <CR><LF>.<CR><LF>",
        ])
      #expect(lines.last?.hasPrefix("250 2.0.0 Ok: queued as ") == true)
      let id = try queueID(in: result.output)
      try await eventually("delivered") { try await server.state(id) == "delivered" }
      let content = try server.delivered(id)
      #expect(content.contains("SMTP interface\r\n\r\nGet the all events"))
    }
  }

  @Test(.needs(.openssl)) func withoutCRLFThereIsAHint() async throws {
    try await withServer { server in
      let result = try await run(
        .openssl, ["s_client", "-quiet", "-starttls", "smtp", "-connect", "127.0.0.1:\(server.announcement.port)"],
        input: "auth login\n", seconds: 10)
      #expect(result.output.contains("500 5.5.2 Lines must end in CRLF (openssl: add -crlf)"))
    }
  }

  @Test(.needs(.swaks), arguments: ways) func swaks(way: Way, mechanism: String) async throws {
    try await withServer { server in
      let port = way == .startTLS ? server.announcement.port : server.announcement.tlsPort
      let result = try await run(
        .swaks,
        [
          "--server", "127.0.0.1", "--port", "\(port)", way == .startTLS ? "--tls" : "--tls-on-connect", "--auth",
          mechanism, "--auth-user", "username", "--auth-password", "password", "--from", "mailer@example.com", "--to",
          "recipient@example.org", "--data", "-",
        ], input: Self.message.replacing("\r\n", with: "\n"))
      #expect(result.status == 0, "\(result.output)")
      #expect(result.output.contains("AUTH \(mechanism)"))
      // It adds an empty line of its own, and shows what it sent.
      let lines = result.output.split(whereSeparator: \.isNewline).filter { $0.hasPrefix(" ~> ") }.map {
        $0.dropFirst(4)
      }
      let sent = lines.drop { $0 != "DATA" }.dropFirst().prefix { $0 != "." }
        .map { ($0.hasPrefix(".") ? $0.dropFirst() : $0) + "\r\n" }.joined()
      #expect(sent.hasPrefix(Self.message))
      try await expectDelivered(sent, by: result.output, server)
    }
  }

  @Test(.needs(.msmtp), arguments: ways) func msmtp(way: Way, mechanism: String) async throws {
    try await withServer { server in
      let port = way == .startTLS ? server.announcement.port : server.announcement.tlsPort
      let result = try await run(
        .msmtp,
        [
          "--host=127.0.0.1", "--port=\(port)", "--tls=on", "--tls-starttls=\(way == .startTLS ? "on" : "off")",
          "--tls-trust-file=\(server.announcement.certificate)", "--auth=\(mechanism.lowercased())", "--user=username",
          "--passwordeval=printf password", "--from=mailer@example.com", "--debug", "recipient@example.org",
        ], input: Self.message.replacing("\r\n", with: "\n"))
      #expect(result.status == 0, "\(result.output)")
      try await expectDelivered(Self.message, by: result.output, server)
    }
  }

  @Test(.needs(.curl), arguments: ways) func curl(way: Way, mechanism: String) async throws {
    try await withServer { server in
      let file = server.data + "/message"
      try Data(Self.message.utf8).write(to: URL(filePath: file))
      let url =
        way == .startTLS
        ? "smtp://127.0.0.1:\(server.announcement.port)" : "smtps://127.0.0.1:\(server.announcement.tlsPort)"
      let result = try await run(
        .curl,
        [
          "-v", "--ssl-reqd", "--cacert", server.announcement.certificate, url, "--user", "username:password",
          "--login-options", "AUTH=\(mechanism)", "--mail-from", "mailer@example.com", "--mail-rcpt",
          "recipient@example.org", "--upload-file", file,
        ])
      #expect(result.status == 0, "\(result.output)")
      try await expectDelivered(Self.message, by: result.output, server)
    }
  }

  @Test(.needs(.python3), arguments: ways) func smtplib(way: Way, mechanism: String) async throws {
    try await withServer { server in
      let script = """
        import smtplib, ssl, sys
        way, port, mechanism, certificate = sys.argv[1:]
        context = ssl.create_default_context(cafile=certificate)
        if way == "implicit":
          server = smtplib.SMTP_SSL("127.0.0.1", int(port), context=context)
        else:
          server = smtplib.SMTP("127.0.0.1", int(port))
          server.starttls(context=context)
        server.ehlo()
        server.user, server.password = "username", "password"
        server.auth(mechanism, getattr(server, "auth_" + mechanism.lower()))
        server.set_debuglevel(1)
        server.sendmail("mailer@example.com", ["recipient@example.org"], sys.stdin.buffer.read())
        server.quit()
        """
      let port = way == .startTLS ? server.announcement.port : server.announcement.tlsPort
      let result = try await run(
        .python3, ["-c", script, way.rawValue, "\(port)", mechanism, server.announcement.certificate],
        input: Self.message)
      #expect(result.status == 0, "\(result.output)")
      try await expectDelivered(Self.message, by: result.output, server)
    }
  }

  @Test func aSecondStartKnowsItsUserAndNotThePassword() async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let first = try await DemoServer.start(data: folder + "/data", username: nil, password: nil)
    #expect(first.announcement.username.wholeMatch(of: /[a-z0-9]{18}[0-9]{2}/) != nil)
    #expect((first.announcement.password ?? "").count >= 20)
    #expect(first.announcement.domain == "example.com")
    // The folder is one process's at a time.
    await #expect(throws: DemoServer.Failure.self) { try await DemoServer.start(data: folder + "/data") }
    #expect(try await first.stop() == 0)
    let second = try await DemoServer.start(data: folder + "/data", username: nil, password: nil)
    #expect(second.announcement.username == first.announcement.username)
    #expect(second.announcement.password == nil)
    #expect(try await second.stop() == 0)
  }
}
