import DeliveryQueue
import MailModel
import NIOCore
import SMTPProtocol
import Synchronization
import Testing

@testable import SMTPDelivery

/// Connections that serve one message after the other.
@Suite("The relay transport's connections, used again", .timeLimit(.minutes(10)))
struct RelayReuseTests {
  private static let content = OctetsContent("Subject: x\r\n\r\nbye\r\n")
  private static let delivered = [DeliveryOutcome.delivered(DeliveryReply(code: 250, text: "250 2.0.0 queued as 17"))]

  /// A transport whose connections wait for long, so that no test depends on its pace.
  private func transport(
    to server: ScriptedServer, _ change: (inout RelayConfiguration) -> Void = { _ in }
  ) throws -> RelayTransport {
    try RelayTransport(
      .test(server.endpoint) {
        $0.idleTimeout = .seconds(300)
        change(&$0)
      })
  }

  /// Says something else on the first connection, once the second message is under way there.
  private func script(
    _ extensions: [String] = ["PIPELINING", "8BITMIME", "SIZE"],
    atSecond odd: @escaping @Sendable (String) -> ScriptedServer.Move?
  ) -> ScriptedServer.Script {
    let polite = ScriptedServer.polite(extensions)
    let isOver = Atomic(false)
    return { event, connection in
      if connection == 1, isOver.load(ordering: .relaxed), let move = odd(event) { return move }
      if event == "." { isOver.store(true, ordering: .relaxed) }
      return polite(event, connection)
    }
  }

  // MARK: Limits

  @Test func oneConnectionIsEnough() async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let transport = try transport(to: server)
      for _ in 1...4 { #expect(try await transport.deliver(Self.content).outcomes == Self.delivered) }
      #expect(server.record.connections == 1)
      #expect(server.record.contents.count == 4)
      let message = ["MAIL", "RCPT", "DATA"]
      #expect(server.record.commands.map { String($0.prefix(4)) } == ["EHLO"] + message + message + message + message)
    }
  }

  @Test(arguments: [(2, 1), (3, 1), (4, 2), (6, 2), (7, 3)])
  func threeMessagesOverOneConnection(messages: Int, connections: Int) async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let transport = try transport(to: server) { $0.messagesPerConnection = 3 }
      for _ in 1...messages { #expect(try await transport.deliver(Self.content).outcomes == Self.delivered) }
      #expect(server.record.connections == connections)
      for connection in 1..<max(1, messages / 3 + 1) { try await server.channel(connection).closeFuture.get() }
      #expect(server.record.commands.filter { $0 == "QUIT" }.count == messages / 3)
    }
  }

  /// Where the host allows fewer, its word counts.
  @Test func asManyMessagesAsTheHostTakes() async throws {
    try await ScriptedServer.run(ScriptedServer.polite(["LIMITS MAILMAX=2"])) { server in
      let transport = try transport(to: server)
      for _ in 1...5 { #expect(try await transport.deliver(Self.content).outcomes == Self.delivered) }
      #expect(server.record.connections == 3)
    }
  }

  @Test(arguments: [(0, 100), (-1, 100), (20, 1), (20, 0)])
  func noReuse(idle: Int, messages: Int) async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let transport = try transport(to: server) {
        ($0.idleConnections, $0.messagesPerConnection) = (idle, messages)
      }
      for connection in 1...3 {
        #expect(try await transport.deliver(Self.content).outcomes == Self.delivered)
        try await server.channel(connection).closeFuture.get()
      }
      #expect(server.record.connections == 3)
      #expect(server.record.commands.filter { $0 == "QUIT" }.count == 3)
    }
  }

  /// So many deliveries at a time, of whose connections two are kept.
  @Test(arguments: [1, 2, 3, 5])
  func twoIdleConnections(deliveries: Int) async throws {
    let (sent, send) = AsyncStream<Int>.makeStream()
    let polite = ScriptedServer.polite()
    let script: ScriptedServer.Script = { event, connection in
      guard event == "." else { return polite(event, connection) }
      send.yield(connection)
      return .keepSilent
    }
    try await ScriptedServer.run(script) { server in
      let transport = try transport(to: server) { $0.idleConnections = 2 }
      var waiting = sent.makeAsyncIterator()
      for _ in 1...2 {
        try await withThrowingTaskGroup(of: DeliveryReport.self) { group in
          for _ in 1...deliveries { group.addTask { try await transport.deliver(Self.content) } }
          var connections: [Int] = []
          while connections.count < deliveries { connections.append(try #require(await waiting.next())) }
          for connection in connections { try await server.say("250 2.0.0 queued as 17\r\n", on: connection) }
          for try await report in group { #expect(report.outcomes == Self.delivered) }
        }
      }
      #expect(server.record.connections == deliveries + max(0, deliveries - 2))
    }
  }

  // MARK: The end of an idle connection

  @Test func anIdleConnectionSaysGoodbyeInTheEnd() async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let transport = try transport(to: server) { $0.idleTimeout = .milliseconds(20) }
      for connection in 1...2 {
        #expect(try await transport.deliver(Self.content).outcomes == Self.delivered)
        #expect(server.record.connections == connection)
        try await server.channel(connection).closeFuture.get()
        #expect(server.record.commands.last == "QUIT")
      }
    }
  }

  /// The time of a connection that waits is not that of the message which it gets then.
  @Test func theTimeOfAnIdleConnectionEndsWithItsNextMessage() async throws {
    let (sent, send) = AsyncStream<Int>.makeStream()
    let isOver = Atomic(false)
    let polite = ScriptedServer.polite()
    let script: ScriptedServer.Script = { event, connection in
      guard event == ".", isOver.exchange(true, ordering: .relaxed) else { return polite(event, connection) }
      send.yield(connection)
      return .keepSilent
    }
    try await ScriptedServer.run(script) { server in
      // Another transport's connection, opened later, whose time is over behind that of the first.
      try await ScriptedServer.run(ScriptedServer.polite()) { clock in
        let transport = try transport(to: server) { $0.idleTimeout = .milliseconds(300) }
        let timer = try self.transport(to: clock) { $0.idleTimeout = .milliseconds(300) }
        _ = try await transport.deliver(Self.content)
        async let report = transport.deliver(Self.content)
        var waiting = sent.makeAsyncIterator()
        let connection = try #require(await waiting.next())
        _ = try await timer.deliver(Self.content)
        try await clock.channel(1).closeFuture.get()
        try await server.say("250 2.0.0 queued as 17\r\n", on: connection)
        #expect(try await report.outcomes == Self.delivered)
      }
    }
  }

  @Test func shutdownSaysGoodbye() async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let transport = try transport(to: server)
      _ = try await transport.deliver(Self.content)
      await transport.shutdown()
      #expect(server.record.commands.last == "QUIT")
      // Nothing is kept any more.
      for connection in 2...3 {
        #expect(try await transport.deliver(Self.content).outcomes == Self.delivered)
        try await server.channel(connection).closeFuture.get()
      }
      #expect(server.record.commands.filter { $0 == "QUIT" }.count == 3)
      await transport.shutdown()
    }
  }

  @Test func aTransportThatIsGoneSaysGoodbye() async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      var transport: RelayTransport? = try transport(to: server)
      _ = try await transport?.deliver(Self.content)
      transport = nil
      try await server.channel(1).closeFuture.get()
      #expect(server.record.commands.last == "QUIT")
    }
  }

  @Test func theHostHangsUpOnAnIdleConnection() async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let transport = try transport(to: server)
      for connection in 1...3 {
        let report = try await transport.deliver(Self.content)
        #expect(report.outcomes == Self.delivered)
        #expect(report.hostProblem == nil)
        #expect(server.record.connections == connection)
        try await server.channel(connection).close()
      }
    }
  }

  /// Nothing that came before its time answers the next message.
  @Test(arguments: ["250 2.1.0 ok\r\n", "250-2.1.0 o", "2", "\r\n", "421 4.3.2 bye\r\n", "SSH-2.0-x\r\n"])
  func theHostSpeaksOnAnIdleConnection(_ words: String) async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let transport = try transport(to: server)
      _ = try await transport.deliver(Self.content)
      try await server.say(words, on: 1)
      try await server.channel(1).closeFuture.get()
      let report = try await transport.deliver(Self.content)
      #expect(report.outcomes == Self.delivered)
      #expect(report.hostProblem == nil)
      #expect(server.record.connections == 2)
    }
  }

  @Test(arguments: ["250 2.1.0 ok\r\n", "250-2.1.0 ok\r\n", "250-2.1.0 o", "2", "\r\n", "421 4.3.2 bye\r\n"])
  func theHostSaysTooMuchAtTheEnd(_ words: String) async throws {
    let polite = ScriptedServer.polite()
    let script: ScriptedServer.Script = { event, connection in
      event == "." && connection == 1 ? .sayExactly("250 2.0.0 queued as 17\r\n\(words)") : polite(event, connection)
    }
    try await ScriptedServer.run(script) { server in
      let transport = try transport(to: server)
      for connection in 1...2 {
        let report = try await transport.deliver(Self.content)
        #expect(report.outcomes == Self.delivered)
        #expect(report.hostProblem == nil)
        #expect(server.record.connections == connection)
      }
      #expect(server.record.commands.filter { $0.hasPrefix("MAIL") }.count == 2)
    }
  }

  // MARK: A connection that turns out to be dead

  struct Death: Sendable, CustomTestStringConvertible {
    var move: ScriptedServer.Move
    var extensions: [String]
    var pipelinesData: Bool
    var testDescription: String { "\(move), \(extensions), \(pipelinesData)" }
  }

  static let deaths = [
    ScriptedServer.Move.drop, .say("421 4.4.2 idle too long"), .say("what?"), .say("354 go"), .keepSilent,
  ].flatMap { move in
    [([String](), false), (["PIPELINING"], false), (["PIPELINING"], true)].map {
      Death(move: move, extensions: $0, pipelinesData: $1)
    }
  }

  @Test(arguments: deaths)
  func whoIsNotHeardGoesOverANewConnection(_ death: Death) async throws {
    try await ScriptedServer.run(script(death.extensions) { $0.hasPrefix("MAIL") ? death.move : .keepSilent }) {
      server in
      let transport = try transport(to: server) {
        $0.client.pipelinesData = death.pipelinesData
        if case .keepSilent = death.move { $0.client.limits.senderTimeout = .seconds(3) }
      }
      for connection in [1, 2, 2] {
        let report = try await transport.deliver(Self.content)
        #expect(report.outcomes == Self.delivered)
        #expect(report.hostProblem == nil)
        #expect(server.record.connections == connection)
      }
      #expect(server.record.contents.count == 3)
    }
  }

  @Test(arguments: [ScriptedServer.Move.drop, .say("500 5.5.1 what?"), .say("421 4.4.2 idle too long")])
  func whoIsNotHeardAtRSET(_ move: ScriptedServer.Move) async throws {
    let polite = ScriptedServer.polite()
    let script: ScriptedServer.Script = { event, connection in
      if event.hasPrefix("RCPT"), connection == 1 { return .say("550 5.1.1 nobody") }
      return event == "RSET" ? move : polite(event, connection)
    }
    try await ScriptedServer.run(script) { server in
      let transport = try transport(to: server)
      #expect(try await transport.deliver(Self.content).outcomes.first?.reply.code == 550)
      #expect(try await transport.deliver(Self.content).outcomes == Self.delivered)
      #expect(server.record.connections == 2)
    }
  }

  /// A host that has agreed to anything is believed, and a new connection is not tried twice.
  @Test(arguments: [
    ("RCPT", ScriptedServer.Move.drop), ("RCPT", .say("421 4.3.2 going")), ("DATA", .drop),
    ("DATA", .say("421 4.3.2 going")),
  ])
  func whoIsHeardIsDeferred(_ command: String, _ move: ScriptedServer.Move) async throws {
    try await ScriptedServer.run(script { $0.hasPrefix(command) ? move : nil }) { server in
      let transport = try transport(to: server)
      _ = try await transport.deliver(Self.content)
      let report = try await transport.deliver(Self.content)
      #expect(report.isDeferred)
      #expect(report.uncertain.isEmpty)
      #expect(server.record.connections == 1)
      // What has failed is not kept.
      #expect(try await transport.deliver(Self.content).outcomes == Self.delivered)
      #expect(server.record.connections == 2)
    }
  }

  @Test(arguments: [true, false])
  func aNewConnectionIsTriedOnce(isKept: Bool) async throws {
    let script = ScriptedServer.polite { $0.hasPrefix("MAIL") ? .say("421 4.3.2 going") : nil }
    let polite = ScriptedServer.polite()
    try await ScriptedServer.run({ isKept && $1 == 1 && $0 != "RSET" ? polite($0, $1) : script($0, $1) }) { server in
      let transport = try transport(to: server)
      if isKept {
        _ = try await transport.deliver(Self.content)
        try await server.channel(1).close()
      }
      let report = try await transport.deliver(Self.content)
      #expect(report.outcomes == [.deferred(DeliveryReply(code: 421, text: "421 4.3.2 going"))])
      #expect(server.record.connections == (isKept ? 2 : 1))
    }
  }

  @Test func aDropAfterTheLastDotIsUncertainAndNotTriedAgain() async throws {
    try await ScriptedServer.run(script { $0 == "." ? .drop : nil }) { server in
      let transport = try transport(to: server)
      _ = try await transport.deliver(Self.content)
      let report = try await transport.deliver(Self.content)
      #expect(report.isDeferred)
      #expect(report.uncertain == [0])
      #expect(server.record.contents.count == 2)
      #expect(server.record.connections == 1)
    }
  }

  // MARK: After refusals, and cancellation

  @Test(arguments: [("MAIL", 0), ("RCPT", 1), ("DATA", 1), (".", 0)])
  func afterARefusalTheNextMessage(_ command: String, resets: Int) async throws {
    let isRefused = Atomic(false)
    let polite = ScriptedServer.polite([])
    let script: ScriptedServer.Script = { event, connection in
      let isFirst = event.hasPrefix(command) && !isRefused.exchange(true, ordering: .relaxed)
      return isFirst ? .say("550 5.7.1 no") : polite(event, connection)
    }
    try await ScriptedServer.run(script) { server in
      let transport = try transport(to: server)
      #expect(
        try await transport.deliver(Self.content).outcomes == [
          .failed(DeliveryReply(code: 550, text: "550 5.7.1 no"))
        ])
      #expect(try await transport.deliver(Self.content).outcomes == Self.delivered)
      #expect(server.record.connections == 1)
      #expect(server.record.commands.filter { $0 == "RSET" }.count == resets)
    }
  }

  @Test(arguments: ["MAIL", "DATA", "."])
  func aCancelledDeliveryTakesItsConnectionAlong(_ command: String) async throws {
    let (reached, reach) = AsyncStream<Void>.makeStream()
    let script = script { event in
      guard event.hasPrefix(command) else { return nil }
      reach.yield()
      return .keepSilent
    }
    try await ScriptedServer.run(script) { server in
      let transport = try transport(to: server)
      _ = try await transport.deliver(Self.content)
      let delivery = Task { try await transport.deliver(Self.content) }
      for await _ in reached { break }
      delivery.cancel()
      let report = try await delivery.value
      #expect(report.isDeferred)
      #expect(report.outcomes.first?.reply.text.contains("the delivery was cancelled") == true)
      #expect(report.uncertain == (command == "." ? [0] : []))
      #expect(server.record.connections == 1)
      try await server.channel(1).closeFuture.get()
      #expect(try await transport.deliver(Self.content).outcomes == Self.delivered)
      #expect(server.record.connections == 2)
    }
  }

  /// Once a delivery is over, its cancellation means nobody's connection.
  @Test func aCancellationThatComesTooLate() async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let transport = try transport(to: server)
      let delivery = Task { try await transport.deliver(Self.content) }
      #expect(try await delivery.value.outcomes == Self.delivered)
      delivery.cancel()
      #expect(try await transport.deliver(Self.content).outcomes == Self.delivered)
      #expect(server.record.connections == 1)
    }
  }
}
