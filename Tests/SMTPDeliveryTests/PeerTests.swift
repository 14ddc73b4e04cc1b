import DeliveryQueue
import Foundation
import MailModel
import NIOCore
import NIOPosix
import SMTPProtocol
import Testing

@testable import SMTPDelivery

private let hasAiosmtpd = PeerProcess.works("python3", "-c", "import aiosmtpd")
private let hasSMTPSink = PeerProcess.works("sh", "-c", "PATH=$PATH:/usr/sbin command -v smtp-sink")

@Suite("The relay transport and real servers", .timeLimit(.minutes(10)))
struct PeerTests {
  private static let content = OctetsContent(
    "Subject: x\r\n\r\n.\r\n..\r\n.dot\r\n"
      + String(repeating: "A line of text, and then another.\r\n.x\r\n", count: 5_000)
      + "no end")

  @Test(
    .enabled(if: hasAiosmtpd && TestCertificate.shared != nil, "aiosmtpd or openssl is not installed"),
    arguments: [ClientSecurity.required, .implicit, .opportunistic, .none], [true, false])
  func aiosmtpd(_ security: ClientSecurity, _ hasCredentials: Bool) async throws {
    let certificate = try #require(TestCertificate.shared)
    let folder = try TemporaryFolder()
    let path = folder.path + "/content"
    let mode = security == .implicit ? "implicit" : security == .none ? "none" : "starttls"
    try await PeerProcess.run(
      ["python3", "-c", Self.server, mode, certificate.certificatePath, certificate.keyPath, path]
    ) { peer in
      let port = try #require(await peer.line())
      let relay = try #require(RelayEndpoint("127.0.0.1:\(port)"))
      let transport = try RelayTransport(
        .test(relay, security, user: hasCredentials ? "user" : nil) {
          $0.trust = .pemFile(certificate.certificatePath)
          $0.client.allowsAuthenticationWithoutTLS = true
        })
      // The second one goes over the connection of the first.
      for _ in 1...2 {
        let claim = try Claim.test(
          to: "b@example.org", "full@example.org", "c@example.org", content: Self.content)
        let report = await transport.deliver(claim, content: Self.content)
        #expect(report.hostProblem == nil)
        #expect(
          report.outcomes == [
            .delivered(DeliveryReply(code: 250, text: "250 2.0.0 kept")),
            .deferred(DeliveryReply(code: 452, text: "452 4.2.2 full")),
            .delivered(DeliveryReply(code: 250, text: "250 2.0.0 kept")),
          ])
        let connection = await peer.line()
        #expect(connection == "1 b@example.org c@example.org")
      }
      #expect(FileManager.default.contents(atPath: path) == Data(Self.content.octets + [0x0D, 0x0A]))
    }
  }

  @Test(.enabled(if: hasAiosmtpd && TestCertificate.shared != nil, "aiosmtpd or openssl is not installed"))
  func aiosmtpdRefusesCredentials() async throws {
    let certificate = try #require(TestCertificate.shared)
    try await PeerProcess.run(
      ["python3", "-c", Self.server, "starttls", certificate.certificatePath, certificate.keyPath, "/dev/null"]
    ) { peer in
      let port = try #require(await peer.line())
      let relay = try #require(RelayEndpoint("127.0.0.1:\(port)"))
      let report = try await RelayTransport.send(
        Self.content, to: "b@example.org",
        by: .test(relay, .required, user: "user", password: "wrong") {
          $0.trust = .pemFile(certificate.certificatePath)
        })
      #expect(report.isDeferred)
      #expect(report.hostProblem?.hasPrefix("\(relay) answered AUTH with 535 ") == true)
    }
  }

  /// Prints its port, then for each message how many connections there were, and its recipients; its content it writes into a file.
  private static let server = """
    import asyncio, ssl, sys
    from aiosmtpd.smtp import SMTP, AuthResult

    connections = 0

    class Handler:
        async def handle_RCPT(self, server, session, envelope, address, options):
            if address.startswith('full@'):
                return '452 4.2.2 full'
            envelope.rcpt_tos.append(address)
            return '250 2.1.5 ok'
        async def handle_DATA(self, server, session, envelope):
            with open(sys.argv[4], 'wb') as file:
                file.write(envelope.original_content)
            print(connections, *envelope.rcpt_tos, flush=True)
            return '250 2.0.0 kept'

    def authenticate(server, session, envelope, mechanism, data):
        return AuthResult(success=data.login == b'user' and data.password == b'secret', handled=False)

    async def main():
        mode, certificate, key = sys.argv[1:4]
        context = None
        if mode != 'none':
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
        def make():
            global connections
            connections += 1
            return SMTP(Handler(), tls_context=context if mode == 'starttls' else None,
                require_starttls=mode == 'starttls', authenticator=authenticate, auth_require_tls=mode == 'starttls')
        server = await asyncio.get_running_loop().create_server(
            make, '127.0.0.1', 0, ssl=context if mode == 'implicit' else None)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    asyncio.run(main())
    """

  /// With and without PIPELINING, EHLO and 8BITMIME.
  @Test(
    .enabled(if: hasSMTPSink, "smtp-sink, of Postfix, is not installed"),
    arguments: [[], ["-p"], ["-e"], ["-8"], ["-a"], ["-f", "."], ["-q", "."], ["-r", "RCPT"]])
  func smtpSink(_ options: [String]) async throws {
    let reserved = try ReservedPort()
    defer { reserved.release() }
    let port = Int(reserved.number)
    let user = PeerProcess.works("sh", "-c", "test $(id -u) = 0") ? ["-u", "nobody"] : []
    let command = ["sh", "-c", "PATH=$PATH:/usr/sbin; exec smtp-sink \"$@\"", "smtp-sink"]
    try await PeerProcess.run(command + user + options + ["127.0.0.1:\(port)", "100"]) { _ in
      let relay = try reserved.endpoint
      try await Self.connects(to: port)
      let transport = try RelayTransport(.test(relay, .opportunistic))
      let reports = try await withThrowingTaskGroup(of: [DeliveryReport].self) { group in
        // One after the other in each of five, so that connections are used again.
        for sender in 0..<5 {
          group.addTask {
            var reports: [DeliveryReport] = []
            for number in 0..<10 {
              let claim = try Claim.test(
                to: "b\(number)@\(sender).example", "c\(number)@\(sender).example", content: Self.content)
              reports.append(await transport.deliver(claim, content: Self.content))
            }
            return reports
          }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      let outcomes = reports.flatMap(\.outcomes)
      #expect(outcomes.count == 100)
      switch options.first {
      case "-f", "-r":
        #expect(
          outcomes.allSatisfy { if case .failed(let reply) = $0 { (reply.code ?? 0) >= 500 } else { $0.isDeferred } })
      case "-q":
        #expect(outcomes.allSatisfy { $0.isDeferred && $0.reply.text.hasSuffix("it took the message is unknown") })
      default:
        #expect(outcomes.allSatisfy { if case .delivered(let reply) = $0 { reply.code == 250 } else { false } })
      }
    }
  }

  /// smtp-sink does not say when it listens, so it is asked until it answers, for 30 seconds at most.
  private static func connects(to port: Int) async throws {
    let end = ContinuousClock.now + .seconds(30)
    while ContinuousClock.now < end {
      let channel = try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(host: "127.0.0.1", port: port).get()
      if let channel { return try await channel.close() }
      try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("smtp-sink does not listen")
  }
}
