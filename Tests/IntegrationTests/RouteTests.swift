import Foundation
import PeerTesting
import Testing

/// `submission-server demo --route`.
@Suite struct RouteTests {
  /// A host that is down, with a thousand messages waiting for it, is in nobody's way; and gets them all once it is up. What
  /// is due later, and the pause of the site, end with the server and an operator's order.
  @Test(.needs(.python3, .smtpSink)) func aDeadHostIsInNobodysWayAndGetsItsMailInTheEnd() async throws {
    let (folder, live, dead) = (try temporaryFolder(), try temporaryFolder(), try temporaryFolder())
    defer { for path in [folder, live, dead] { try? FileManager.default.removeItem(atPath: path) } }
    let (livePort, deadPort) = (try ReservedPort(), try ReservedPort())
    defer {
      livePort.release()
      deadPort.release()
    }
    let liveSink = try Sink(folder: live, port: livePort)
    let options = [
      "--route", "dead.example=127.0.0.1:\(deadPort.number)", "--route",
      "*.live.example=127.0.0.1:\(livePort.number)",
    ]
    let server = try await DemoServer.start(data: folder + "/data", options: options)
    try await send(1_000, to: "recipient@dead.example", by: server)
    try await send(1, to: "recipient@mail.live.example", by: server)
    try await eventually("the mail to the live host arrives", seconds: 120) { try liveSink.count() == 1 }
    // Neither domain is the route's.
    try await send(1, to: "recipient@live.example", by: server)
    let delivered = folder + "/data/delivered"
    try await eventually("what has no route is delivered by default") {
      try FileManager.default.contentsOfDirectory(atPath: delivered).filter { $0.hasSuffix(".eml") }.count == 1
    }
    #expect(try liveSink.count() == 1)
    let waiting = try await run(
      try DemoServer.executable(), ["queue", "count", "--destination", "dead.example", "--data", server.data])
    #expect(waiting.output.hasPrefix("1000  dead.example  "), "\(waiting.output)")

    #expect(try await server.stop() == 0)
    let deadSink = try Sink(folder: dead, port: deadPort)
    let retried = try await run(
      try DemoServer.executable(), ["queue", "retry", "--destination", "dead.example", "--data", server.data])
    #expect(retried.status == 0, "\(retried.output)")
    let restarted = try await DemoServer.start(data: folder + "/data", options: options)
    try await eventually("all the mail to the host that was dead", seconds: 120) { try deadSink.count() == 1_000 }
    #expect(try await restarted.stop() == 0)
    deadSink.stop()
    liveSink.stop()
    #expect(try deadSink.count() == 1_000)
    #expect(try liveSink.count() == 1)
  }

  private func send(_ messages: Int, to recipient: String, by server: DemoServer) async throws {
    let script = """
      import smtplib, ssl, sys
      port, certificate, messages, recipient = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
      server = smtplib.SMTP("127.0.0.1", port, timeout=120)
      server.starttls(context=ssl.create_default_context(cafile=certificate))
      server.login("username", "password")
      for number in range(messages):
        server.mail("mailer@example.com"); server.rcpt(recipient)
        code, text = server.data(f"From: mailer@example.com\\r\\nSubject: {number}\\r\\n\\r\\nbody\\r\\n".encode())
        assert code == 250, text
      server.quit()
      """
    let result = try await run(
      .python3,
      [
        "-c", script, "\(server.announcement.port)", server.announcement.certificate, "\(messages)", recipient,
      ], seconds: 240)
    try #require(result.status == 0, "\(result.output)")
  }

  @Test(arguments: [
    (["--route", "partner.example"], "'partner.example' is no route: DOMAIN=HOST:PORT"),
    (["--route", "=127.0.0.1:25"], "'' in '=127.0.0.1:25' is neither a domain nor *.DOMAIN"),
    (["--route", "a..b=127.0.0.1:25"], "'a..b' in 'a..b=127.0.0.1:25' is neither a domain nor *.DOMAIN"),
    (["--route", "*=127.0.0.1:25"], "'*' in '*=127.0.0.1:25' is neither a domain nor *.DOMAIN"),
    (["--route", "a.example="], "'' in 'a.example=' is not HOST:PORT"),
    (["--route", "a.example=relay.example"], "'relay.example' in 'a.example=relay.example' is not HOST:PORT"),
    (["--route", "a.example=127.0.0.1:0"], "'127.0.0.1:0' in 'a.example=127.0.0.1:0' is not HOST:PORT"),
    (["--route", "a.example=127.0.0.1:65536"], "'127.0.0.1:65536' in 'a.example=127.0.0.1:65536' is not HOST:PORT"),
    (
      [
        "--route", "a.example=127.0.0.1:25", "--route", "*.a.example=127.0.0.1:25", "--route", "A.example=127.0.0.1:26",
      ],
      "There are 2 routes for a.example."
    ),
    (["--deliveries-per-site", "0"], "--deliveries-per-site is 1 or more."),
  ])
  func whatIsNoRoute(options: [String], complaint: String) async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let result = try await run(try DemoServer.executable(), ["demo", "--data", folder + "/data"] + options)
    #expect(result.status == 64 && result.output.contains(complaint), "\(result.output)")
    #expect(!FileManager.default.fileExists(atPath: folder + "/data"))
  }
}
