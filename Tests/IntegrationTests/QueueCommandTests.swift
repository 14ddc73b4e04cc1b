import Foundation
import PeerTesting
import Testing

/// `submission-server queue …`: looking at any time, changing when no server holds the folder.
@Suite(.serialized) struct QueueCommandTests {
  // MARK: Looking

  @Test(.needs(.swaks)) func aQueueIsLookedIntoWhileAServerHoldsIt() async throws {
    try await withDeferred(["one@example.org", "two@example.net", "three@example.org"]) { server, ids in
      let data = server.data
      for spelling in [["queue"], ["queue", "list"]] {
        let messages = try await list(spelling + ["--json"], data: data)
        #expect(messages.map(\.queueID) == ids)
        #expect(messages.allSatisfy { $0.tenant != nil && $0.sender == "mailer@example.com" && $0.size > 0 })
        #expect(messages.allSatisfy { $0.recipients[0].state == "deferred" && $0.recipients[0].nextAttempt != nil })
      }
      func listed(_ options: String...) async throws -> [String] {
        try await list(["queue", "list", "--json"] + options, data: data).map(\.queueID)
      }
      #expect(try await listed("--destination", "EXAMPLE.net") == [ids[1]])
      #expect(try await listed("--id", ids[2], "--id", ids[0]) == [ids[0], ids[2]])
      #expect(try await listed("--state", "deferred", "--state", "held") == ids)
      #expect(try await listed("--state", "held") == [])
      #expect(try await listed("--tenant", "nobody") == [])
      #expect(try await listed("--limit", "2") == Array(ids.prefix(2)))
      #expect(try await listed("--limit", "2", "--after", ids[1]) == [ids[2]])
      let text = try await queue("list", "--limit", "2", data: data).output
      #expect(text.contains("2 messages\nThere are more: --after \(ids[1])\n"))
      #expect(!(try await queue("list", "--limit", "3", data: data).output.contains("more")))
    }
  }

  @Test(.needs(.swaks)) func recipientsAreCounted() async throws {
    try await withDeferred(["one@example.org", "two@example.net", "three@example.org"]) { server, _ in
      let data = server.data
      let counts = try decode([Count].self, try await queue("count", "--json", data: data))
      #expect(counts == [Count("example.org", deferred: 2), Count("example.net", deferred: 1)])
      #expect(try decode([Count].self, try await queue("count", "--limit", "1", "--json", data: data)) == [counts[0]])
      let one = try await queue("count", "--limit", "1", data: data)
      #expect(one.output == "2  example.org  2 deferred\nThere are more: --limit\n")
      let tenants = try decode([Count].self, try await queue("count", "--by", "tenant", "--json", data: data))
      #expect(tenants.map(\.total) == [3] && tenants[0].name != nil)
      let few = try decode(
        [Count].self, try await queue("count", "--destination", "example.net", "--json", data: data))
      #expect(few == [counts[1]])
      #expect(try await queue("count", data: data).output == "2  example.org  2 deferred\n1  example.net  1 deferred\n")

      let summary = try decode(Summary.self, try await queue("summary", "--json", data: data))
      #expect(summary.messages == 3 && summary.recipients == ["deferred": 3])
      #expect(summary.octets > 300 && summary.oldest != nil && (0..<600).contains(summary.age ?? -1))
      #expect(try await queue("summary", data: data).output.contains("recipients  3 deferred\noldest "))
    }
  }

  // MARK: Changing

  @Test(.needs(.swaks)) func ordersAreGivenWhenNoServerHoldsTheFolder() async throws {
    try await withDeferred(["one@example.org", "two@example.net", "three@example.org"]) { server, ids in
      let data = server.data
      for order in ["hold", "release", "retry", "bounce", "remove"] {
        let refused = try await queue(order, ids[0], "--reason", "why", data: data)
        #expect(refused.status != 0)
        #expect(refused.output.contains("process \(server.processIdentifier) holds"), "\(refused.output)")
      }
      #expect(try await states(data) == ["deferred", "deferred", "deferred"])
      try await server.stop()

      let hold = try await queue(
        "hold", "--destination", "example.org", "--by", "alice", "--reason", "their host is down", "--json", data: data)
      #expect(try decode(Order.self, hold) == Order("hold", by: "alice", because: "their host is down", 2, 2))
      #expect(try await states(data) == ["held", "deferred", "held"])
      let held = try await list(["queue", "list", "--state", "held", "--json"], data: data)
      #expect(held.map(\.queueID) == [ids[0], ids[2]])
      let first = try #require(held.first)
      #expect(first.recipients[0].nextAttempt == nil)
      #expect(first.recipients[0].order?.by == "alice" && first.recipients[0].order?.action == "hold")
      let text = try await queue("list", data: data).output
      #expect(text.contains("held, 1 attempt\n") && text.contains("hold by alice at "))
      #expect(text.contains(": their host is down\n"))

      let release = try await queue("release", "--state", "held", "--json", data: data)
      #expect(try decode(Order.self, release).recipients == 2)
      #expect(try decode(Order.self, release).by.isEmpty == false, "the login name")
      #expect(try await states(data) == ["deferred", "deferred", "deferred"])
      let bounce = try await queue("bounce", ids[1], "--reason", "nobody there", data: data)
      #expect(bounce.output == "bounce: 1 recipient of 1 message\n")
      let remove = try await queue("remove", "--id", ids[2], ids[2], "--reason", "spam", data: data)
      #expect(remove.output == "remove: 1 recipient of 1 message\n")
      #expect(try await states(data) == ["deferred", "bounced", "removed"])
      #expect(try await DemoServer.status(ids[1], data: data).recipients[0].reply == "nobody there")
      #expect(try await list(["queue", "--json"], data: data).map(\.queueID) == [ids[0]])
      // What is final stays so.
      let late = try await queue("retry", "--everything", "--json", data: data)
      #expect(try decode(Order.self, late).recipients == 1)
      #expect(try await states(data) == ["deferred", "bounced", "removed"])
    }
  }

  @Test(.needs(.swaks, .smtpSink)) func whatIsHeldIsDeliveredWhenItIsReleased() async throws {
    let port = try ReservedPort()
    defer { port.release() }
    try await withDeferred(["one@example.org", "two@example.net"], port: port) { server, ids in
      let data = server.data
      try await server.stop()
      #expect(try await queue("hold", ids[0], "--reason", "wait", data: data).status == 0)
      #expect(try await queue("retry", "--everything", data: data).status == 0)
      let sink = try Sink(folder: URL(filePath: data).deletingLastPathComponent().path, port: port)
      defer { sink.stop() }
      let second = try await DemoServer.start(data: data, relay: "127.0.0.1:\(port.number)")
      try await eventually("the other one is delivered at once") { try await second.state(ids[1]) == "delivered" }
      #expect(try await second.state(ids[0]) == "held")
      try await second.stop()
      #expect(try await queue("release", ids[0], data: data).status == 0)
      let third = try await DemoServer.start(data: data, relay: "127.0.0.1:\(port.number)")
      try await eventually("delivered at once") { try await third.state(ids[0]) == "delivered" }
      try await third.stop()
    }
  }

  // MARK: Damage

  @Test(.needs(.swaks)) func damageIsFoundNamedAndSetAside() async throws {
    try await withDeferred(["one@example.org", "two@example.net"], bodies: 400_000) { server, ids in
      let data = server.data
      #expect(try await queue("check", data: data).status == 0, "also while a server holds the folder")
      let refused = try await queue("repair", data: data)
      #expect(refused.status == 1 && refused.output.contains("process \(server.processIdentifier) holds"))
      try await server.stop()
      let sound = try await queue("check", data: data)
      #expect(sound.status == 0 && sound.output == "2 messages looked at, nothing found\n", "\(sound.output)")

      let file = try FileHandle(forWritingTo: URL(filePath: "\(data)/spool/\(ids[0])"))
      try file.truncate(atOffset: 1000)
      try file.close()
      let check = try await queue("check", data: data)
      #expect(
        check.status == 1 && check.output.contains("spoolFileSize  \(ids[0])  spool/\(ids[0]): "), "\(check.output)")
      #expect(check.output.hasSuffix("\n2 messages looked at, 1 found\n"))
      let report = try decode(Maintenance.self, try await queue("repair", "--by", "alice", "--json", data: data))
      #expect(report.messages == 2 && report.findings.map(\.queueID) == [ids[0]])
      #expect(report.findings.first?.action?.isEmpty == false)
      #expect(try await states(data) == ["removed", "deferred"])
      let list = try await list(["queue", "list", "--id", ids[0], "--json"], data: data)
      #expect(list.first?.recipients.first?.order?.by == "alice")
      #expect(try await queue("check", data: data).status == 0)
    }
  }

  // MARK: Bad input

  @Test(arguments: [
    (["list", "--id", "nonsense"], "'nonsense' is not a queue ID"), (["hold", "x"], "'x' is not a queue ID"),
    (["list", "--after", "1"], "'1' is not a queue ID"),
    (["list", "--state", "lost"], "'lost' is no state: queued, deferred, held"),
    (["list", "--destination", "two words"], "'two words' is neither a domain nor an address in brackets"),
    (["count", "--destination", "a@example.org"], "'a@example.org' is neither a domain"),
    (["count", "--by", "size"], "destination"), (["list", "--limit", "0"], "--limit is 1 or more"),
    (["retry"], "Say which: queue IDs, --destination, --tenant, --state, or --everything"),
    (["retry", "--everything", "--tenant", "x"], "--everything goes with no other selection"),
    (["hold", "--everything"], "--reason"), (["bounce", "--everything"], "--reason"),
    (["remove", "--everything", "--reason", " "], "a reason has words in it"),
  ])
  func badInputIsToldInClearWords(arguments: [String], words: String) async throws {
    let result = try await run(try DemoServer.executable(), ["queue"] + arguments + ["--data", "/nowhere"])
    #expect(result.status == 64 && result.output.contains(words), "\(result.status): \(result.output)")
  }

  @Test(arguments: ["list", "list --json", "count --json", "summary --json", "check"])
  func outputThatCannotBeWrittenIsAFailure(command: String) async throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let server = try await DemoServer.start(data: folder + "/data")
    try await server.stop()
    let executable = try DemoServer.executable()
    let status = try await offPool {
      let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
      let arguments = ["queue"] + command.split(separator: " ").map(String.init) + ["--data", folder + "/data"]
      let errors = FileHandle.nullDevice
      return try Child(executable, arguments, input: nil, output: full, errors: errors).wait(seconds: 60)
    }
    #expect(status == 74)
  }

  @Test func aFolderThatIsNotThereIsNotMade() async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for order in [["retry", "--everything"], ["list"], ["summary"]] {
      let result = try await run(try DemoServer.executable(), ["queue"] + order + ["--data", folder + "/typo"])
      #expect(result.status == 1 && result.output.contains("there is no folder \(folder)/typo"), "\(result.output)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
  }

  @Test(.needs(.swaks)) func aMessageThatIsNotThereIsNamedAndNothingElseHappens() async throws {
    try await withDeferred(["one@example.org"]) { server, ids in
      try await server.stop()
      let unknown = String(ids[0].reversed().map { $0 == "0" ? "1" : "0" })
      let result = try await queue("remove", ids[0], unknown, "--reason", "why", data: server.data)
      #expect(result.status == 1 && result.output.contains("No message \(unknown) in "), "\(result.output)")
      #expect(try await states(server.data) == ["deferred"])
    }
  }

  @Test(.needs(.python3)) func whatIsStoredDoesNothingToATerminal() async throws {
    // A private character, a mark without width, and in the order an escape sequence.
    try await withServer { server in
      let script = """
        import smtplib, ssl, sys
        server = smtplib.SMTP("127.0.0.1", int(sys.argv[1]))
        server.starttls(context=ssl._create_unverified_context())
        server.login("username", "password")
        server.ehlo()
        server.mail("mailer@example.com", ["SMTPUTF8"])
        server.send("RCPT TO:<a\\u200b\\ue000b@example.org>\\r\\n".encode())
        print(server.getreply())
        print(server.data(b"Subject: x\\r\\n\\r\\n"))
        """
      let sent = try await run(.python3, ["-c", script, "\(server.announcement.port)"])
      let id = try queueID(in: sent.output)
      try await eventually("deferred") { try await server.state(id) == "deferred" }
      try await server.stop()
      let hold = try await queue(
        "hold", id, "--by", "a\u{1B}]0;b", "--reason", "\u{1B}[2Jc\u{202E}d", data: server.data)
      #expect(hold.status == 0, "\(hold.output)")
      for output in [
        try await queue("list", data: server.data).output, try await queue("list", "--json", data: server.data).output,
        hold.output,
      ] {
        let hostile = output.unicodeScalars.filter { scalar in
          scalar != "\n" && [.control, .format, .privateUse].contains(scalar.properties.generalCategory)
        }
        #expect(hostile.isEmpty, "\(output.debugDescription)")
      }
      // JSON says exactly what is stored all the same.
      let message = try #require(try await list(["queue", "--json"], data: server.data).first)
      #expect(message.recipients[0].address == "a\u{200B}\u{E000}b@example.org")
    }
  }
}

// MARK: - What the commands print

private struct Message: Decodable {
  struct Order: Decodable {
    var action: String
    var by: String
    var reason: String
  }
  struct Recipient: Decodable {
    var address: String
    var state: String
    var nextAttempt: String?
    var order: Order?
  }
  var queueID: String
  var tenant: String?
  var sender: String
  var size: Int
  var recipients: [Recipient]
}

private struct Count: Decodable, Equatable {
  var name: String?
  var total: Int
  var recipients: [String: Int]

  init(_ name: String, deferred: Int) { (self.name, total, recipients) = (name, deferred, ["deferred": deferred]) }
}

private struct Summary: Decodable {
  var messages: Int
  var octets: Int
  var recipients: [String: Int]
  var oldest: String?
  var age: Int?
}

private struct Maintenance: Decodable {
  struct Finding: Decodable {
    var kind: String
    var queueID: String?
    var file: String?
    var text: String
    var action: String?
  }
  var messages: Int
  var findings: [Finding]
}

private struct Order: Decodable, Equatable {
  var action: String
  var by: String
  var reason: String
  var messages: Int
  var recipients: Int
  var underAttempt: [String] = []

  init(_ action: String, by name: String, because reason: String, _ messages: Int, _ recipients: Int) {
    (self.action, by, self.reason, self.messages, self.recipients) = (action, name, reason, messages, recipients)
  }
}

private func decode<Value: Decodable>(_ type: Value.Type, _ result: CommandResult) throws -> Value {
  try #require(result.status == 0, "\(result.output)")
  return try JSONDecoder().decode(type, from: Data(result.output.utf8))
}

private func queue(_ arguments: String..., data: String) async throws -> CommandResult {
  try await run(try DemoServer.executable(), ["queue"] + arguments + ["--data", data])
}

private func list(_ arguments: [String], data: String) async throws -> [Message] {
  try decode([Message].self, try await run(try DemoServer.executable(), arguments + ["--data", data]))
}

/// Of each recipient, in the order of acceptance.
private func states(_ data: String) async throws -> [String] {
  try await list(["queue", "--all", "--json"], data: data).flatMap(\.recipients).map(\.state)
}

// MARK: - Queues to look into

/// A server whose next host is down. It is one site for most destinations and another one, by another name, for example.net: a
/// site that fails twice in a row is left alone for a minute, and each of the tests' messages is to be attempted.
private func withServer(port: ReservedPort? = nil, _ body: (DemoServer) async throws -> Void) async throws {
  let folder = try temporaryFolder()
  defer { try? FileManager.default.removeItem(atPath: folder) }
  let own = try port ?? ReservedPort()
  defer { if port == nil { own.release() } }
  let server = try await DemoServer.start(
    data: folder + "/data", relay: "127.0.0.1:\(own.number)",
    options: ["--route", "example.net=localhost:\(own.number)"])
  try await body(server)
}

/// Of a message for each of the recipients, once it was deferred.
private func withDeferred(
  _ recipients: [String], port: ReservedPort? = nil, bodies octets: Int = 0,
  _ body: (DemoServer, _ ids: [String]) async throws -> Void
) async throws {
  try await withServer(port: port) { server in
    var ids: [String] = []
    for recipient in recipients {
      let result = try await run(
        .swaks,
        [
          "--server", "127.0.0.1", "--port", "\(server.announcement.port)", "--tls", "--auth", "PLAIN", "--auth-user",
          "username", "--auth-password", "password", "--from", "mailer@example.com", "--to", recipient,
          "--data", "-",
        ], input: "Subject: test\n\n" + String(repeating: "a line of 20 octets\n", count: max(1, octets / 20)))
      ids.append(try queueID(in: result.output))
    }
    for id in ids { try await eventually("deferred") { try await server.state(id) == "deferred" } }
    try await body(server, ids)
  }
}
