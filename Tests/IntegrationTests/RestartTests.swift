import Foundation
import PeerTesting
import Testing

/// Sends a message by swaks.
///
/// - Returns: its queue ID.
func send(to server: DemoServer, subject: String) async throws -> String {
  let result = try await run(
    .swaks,
    [
      "--server", "127.0.0.1", "--port", "\(server.announcement.port)", "--tls", "--auth", "PLAIN", "--auth-user",
      "username", "--auth-password", "password", "--from", "mailer@example.com", "--to", "recipient@example.org",
      "--h-Subject", subject,
    ])
  #expect(result.status == 0, "\(result.output)")
  return try queueID(in: result.output)
}

private func withFolder(_ body: (String) async throws -> Void) async throws {
  let folder = try temporaryFolder()
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try await body(folder)
}

/// What a crash, and a next host that is not well, do to accepted messages.
@Suite(.serialized) struct RestartTests {
  @Test(.needs(.swaks, .smtpSink, .python3)) func aKillLosesNothingAndRepeatsNothing() async throws {
    try await withFolder { folder in
      // A host that takes the connection and says nothing: the message is accepted, and not delivered.
      let port = try ReservedPort()
      defer { port.release() }
      let relay = "127.0.0.1:\(port.number)"
      let silent = try ScriptedHost(greeting: nil, port: port)
      let server = try await DemoServer.start(data: folder + "/data", relay: relay)
      let id = try await send(to: server, subject: "survivor")
      #expect(try await server.state(id) == "queued")
      try await server.killNow()
      silent.stop()
      #expect(try await DemoServer.status(id, data: folder + "/data").recipients[0].state == "queued")

      let sink = try Sink(folder: folder, port: port)
      let again = try await DemoServer.start(data: folder + "/data", relay: relay)
      try await eventually("delivered") { try await again.state(id) == "delivered" }
      #expect(try await again.stop() == 0)
      // Another start finds nothing left to do.
      let third = try await DemoServer.start(data: folder + "/data", relay: relay)
      _ = try await send(to: third, subject: "later")
      try await eventually("the later one arrives") { try sink.messages().contains { $0.contains("Subject: later") } }
      #expect(try await third.stop() == 0)
      sink.stop()
      #expect(try sink.messages().filter { $0.contains("Subject: survivor") }.count == 1)
      let status = try await DemoServer.status(id, data: folder + "/data")
      #expect(status.recipients[0].state == "delivered")
      #expect(status.recipients[0].reply?.hasPrefix("250 ") == true)
      #expect(status.sender == "mailer@example.com")
    }
  }

  @Test(.needs(.swaks, .python3)) func aHostThatRefusesEverybodyBouncesNothing() async throws {
    try await withFolder { folder in
      let port = try ReservedPort()
      defer { port.release() }
      let host = try ScriptedHost(greeting: "554 5.7.1 Go away", port: port)
      let server = try await DemoServer.start(data: folder + "/data", relay: "127.0.0.1:\(port.number)")
      let id = try await send(to: server, subject: "patient")
      try await eventually("deferred") { try await server.state(id) == "deferred" }
      let recipient = try await DemoServer.status(id, data: server.data).recipients[0]
      #expect(recipient.attempts == 1)
      #expect(recipient.reply?.contains("554 5.7.1 Go away") == true)
      #expect(try await server.stop() == 0)
      host.stop()
      let log = try String(contentsOfFile: folder + "/data.log", encoding: .utf8)
      #expect(log.contains("554 5.7.1 Go away"), "an operator should be told")
      #expect(!log.contains("recipient@example.org"), "no addresses in logs")
    }
  }

  @Test(.needs(.python3)) func ninetySessionsAtOnce() async throws {
    try await withFolder { folder in
      let server = try await DemoServer.start(data: folder + "/data")
      let script = """
        import smtplib, ssl, sys, threading
        port, certificate = int(sys.argv[1]), sys.argv[2]
        context = ssl.create_default_context(cafile=certificate)
        failures, ids, lock = [], [], threading.Lock()
        def session(number):
          try:
            server = smtplib.SMTP("127.0.0.1", port, timeout=120)
            server.starttls(context=context)
            server.login("username", "password")
            for message in range(20):
              server.mail("mailer@example.com"); server.rcpt("recipient@example.org")
              code, text = server.data(f"Subject: {number}-{message}\\r\\n\\r\\nbody\\r\\n".encode())
              assert code == 250, text
              with lock: ids.append(text.decode().rsplit(" ", 1)[1])
            server.quit()
          except Exception as error:
            with lock: failures.append(repr(error))
        threads = [threading.Thread(target=session, args=(n,)) for n in range(90)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(len(ids), len(set(ids)), failures[:3])
        """
      let result = try await run(
        .python3, ["-c", script, "\(server.announcement.port)", server.announcement.certificate], seconds: 240)
      #expect(result.output == "1800 1800 []\n")
      let delivered = folder + "/data/delivered"
      try await eventually("1,800 files", seconds: 60) {
        try FileManager.default.contentsOfDirectory(atPath: delivered).filter { $0.hasSuffix(".eml") }.count == 1800
      }
      #expect(try await server.stop() == 0)
      let list = try await run(try DemoServer.executable(), ["queue", "--data", folder + "/data", "--json", "--all"])
      let messages = try JSONDecoder().decode([DemoServer.Status].self, from: Data(list.output.utf8))
      #expect(messages.count == 1800)
      let recipients = messages.flatMap(\.recipients)
      #expect(recipients.count == 1800 && recipients.allSatisfy { $0.state == "delivered" && $0.attempts == 1 })
    }
  }
}

/// In a suite of its own, beside the others, since it waits for a retry: the first one is due 60 to 72 seconds after the
/// first attempt.
@Suite struct RelayDownTests {
  @Test(.needs(.swaks, .smtpSink)) func aHostThatIsDownDefersThenGetsTheMessageOnce() async throws {
    try await withFolder { folder in
      let port = try ReservedPort()
      defer { port.release() }
      let relay = "127.0.0.1:\(port.number)"
      let server = try await DemoServer.start(data: folder + "/data", relay: relay)
      let id = try await send(to: server, subject: "patient")
      try await eventually("deferred") { try await server.state(id) == "deferred" }
      try await server.killNow()
      // The queue can be read with nobody there, and nothing is changed by that.
      let list = try await run(try DemoServer.executable(), ["queue", "--data", folder + "/data", "--json"])
      let messages = try JSONDecoder().decode([DemoServer.Status].self, from: Data(list.output.utf8))
      #expect(messages.map(\.queueID) == [id] && messages.first?.recipients.first?.state == "deferred")

      let sink = try Sink(folder: folder, port: port)
      let again = try await DemoServer.start(data: folder + "/data", relay: relay)
      // One look a second: each is a process, and other tests want the processor.
      try await eventually("delivered", seconds: 100) {
        try await Task.sleep(for: .seconds(1))
        return try await again.state(id) == "delivered"
      }
      #expect(try await again.stop() == 0)
      sink.stop()
      #expect(try sink.messages().filter { $0.contains("Subject: patient") }.count == 1)
      let recipient = try await DemoServer.status(id, data: folder + "/data").recipients[0]
      #expect(recipient.state == "delivered" && recipient.attempts == 2)
      #expect(recipient.reply?.hasPrefix("250 ") == true)
    }
  }
}
