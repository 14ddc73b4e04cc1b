import MailDNS
import MailModel
import Synchronization
import Testing

@testable import SystemDNS

private let name = DNSName("www.example.com") ?? .root
private let question = DNSQuestion(name, .txt)
private let hello = DNSAnswer.Outcome.records([.text(DNSText("hello"))])

/// The record that answers the question.
private let record = wireText("www.example.com", "hello")

private func resolver(
  _ servers: ScriptedServer..., tries: Int = 1, threads: Int = 32, waiting: Int = 1_024,
  trust: SystemResolver.AuthenticationTrust = .automatic, largestAnswer: Int = 65_535
) -> SystemResolver {
  SystemResolver(
    .init(
      nameServers: servers.map(\.nameServer), timeout: .seconds(1), tries: tries, threads: threads,
      waitingQuestions: waiting, largestAnswer: largestAnswer, trust: trust))
}

@Suite("What a name server does that no real one would") struct SystemResolverTests {
  @Test("A query has EDNS, an ID of its own, and no AD bit unless that is trusted") func query() async throws {
    try await withScriptedServer({ [$0.reply().answering(record).octets] }) { server in
      let resolver = resolver(server)
      for _ in 0..<8 { #expect(await resolver.resolve(question).outcome == hello) }
      #expect(server.queries.count == 8)
      #expect(server.queries.allSatisfy { $0.payload == 1_232 && $0.wantsAuthentication && !$0.isTCP })
      #expect(Set(server.queries.map(\.identifier)).count > 1)
    }
  }

  @Test(
    "The AD bit counts by what is configured",
    arguments: [.automatic, .always, .never] as [SystemResolver.AuthenticationTrust])
  func trust(_ trust: SystemResolver.AuthenticationTrust) async throws {
    let script: ScriptedServer.Script = { [$0.reply(WireMessage.authenticated).answering(record).octets] }
    try await withScriptedServer(script) { server in
      let answer = await resolver(server, trust: trust).resolve(question)
      #expect(answer.outcome == hello && answer.isAuthenticated == (trust != .never))
      #expect(server.queries.map(\.wantsAuthentication) == [trust != .never])

      // One name server beyond loopback is enough that none is trusted. The first answers, so it is not asked.
      let mixed = SystemResolver(
        .init(nameServers: [server.nameServer, .init(.v4(0xC000_0201))], timeout: .seconds(30), trust: trust))
      #expect(await mixed.resolve(question).isAuthenticated == (trust == .always))
    }
    try await withScriptedServer({ [$0.reply().answering(record).octets] }) { server in
      #expect(await resolver(server, trust: trust).resolve(question).isAuthenticated == false)
    }
  }

  @Test("Servers that decline", arguments: [(2, "SERVFAIL"), (4, "NOTIMP"), (5, "REFUSED")], [false, true])
  func declined(_ code: (number: UInt16, name: String), onTCP: Bool) async throws {
    let script: ScriptedServer.Script = { query in
      [query.reply(onTCP && !query.isTCP ? WireMessage.truncated : WireMessage.code(code.number)).octets]
    }
    try await withScriptedServer(script) { server in
      let answer = await resolver(server, tries: 2).resolve(question)
      guard case .temporaryFailure(let reason) = answer.outcome else {
        Issue.record("\(answer)")
        return
      }
      // Whoever asked knows what; evidence has it beside the answer.
      #expect(reason.contains(code.name) && !reason.contains("www.example.com TXT"))
      // A second server is asked.
      try await withScriptedServer({ [$0.reply().answering(record).octets] }) { second in
        #expect(await resolver(server, second).resolve(question).outcome == hello)
      }
    }
  }

  @Test("One that does not know our version of EDNS is no name without records") func badVersion() async throws {
    try await withScriptedServer({ [$0.reply().withOptions(codeBits: 1).octets] }) { server in
      let answer = await resolver(server).resolve(question)
      #expect(answer.failure?.contains("BADVERS") == true, "\(answer)")
    }
  }

  @Test("One that does not know EDNS is asked without", arguments: [false, true]) func formatError(_ always: Bool)
    async throws
  {
    let script: ScriptedServer.Script = { query in
      guard always || query.payload != nil else { return [query.reply().answering(record).octets] }
      // As old servers do: without the question.
      var refusal = query.reply(WireMessage.code(1))
      refusal.questions = []
      return [refusal.octets]
    }
    try await withScriptedServer(script) { server in
      let answer = await resolver(server).resolve(question)
      if always {
        #expect(answer.failure?.contains("FORMERR") == true, "\(answer)")
      } else {
        #expect(answer.outcome == hello, "\(answer)")
      }
      #expect(server.queries.map { $0.payload == nil } == [false, true])
    }
  }

  @Test("Silence is a temporary failure, and so is nobody") func silence() async throws {
    let port = try await withScriptedServer({ _ in [] }) { server in
      let answer = await resolver(server, tries: 2).resolve(question)
      guard case .temporaryFailure(let reason) = answer.outcome else {
        Issue.record("\(answer)")
        return server.nameServer
      }
      #expect(reason.contains("in time") && server.queries.count == 2)
      return server.nameServer
    }
    let answer = await SystemResolver(.init(nameServers: [port], timeout: .seconds(1), tries: 1)).resolve(question)
    guard case .temporaryFailure = answer.outcome else {
      Issue.record("\(answer)")
      return
    }
  }

  @Test("Answers that do not fit are passed over, until the right one comes", arguments: [false, true])
  func forged(_ comesAtLast: Bool) async throws {
    let script: ScriptedServer.Script = { query in
      var otherID = query.reply().answering(wireText("www.example.com", "forged"))
      otherID.identifier = query.identifier &+ 1
      var otherName = otherID
      otherName.identifier = query.identifier
      otherName.questions = [wireName("evil.example") + wire(16) + wire(1)]
      return [otherID.octets, otherName.octets] + (comesAtLast ? [query.reply().answering(record).octets] : [])
    }
    try await withScriptedServer(script) { server in
      let answer = await resolver(server).resolve(question)
      if comesAtLast {
        #expect(answer.outcome == hello)
      } else {
        guard case .temporaryFailure(let reason) = answer.outcome else {
          Issue.record("\(answer)")
          return
        }
        #expect(reason.contains("fits"))
      }
    }
  }

  @Test("A truncated answer comes over TCP") func truncated() async throws {
    let script: ScriptedServer.Script = { query in
      query.isTCP ? [query.reply().answering(record).octets] : [query.reply(WireMessage.truncated).octets]
    }
    try await withScriptedServer(script) { server in
      #expect(await resolver(server).resolve(question).outcome == hello)
      #expect(server.queries.map(\.isTCP) == [false, true])
      #expect(server.queries[1].payload == 1_232)
    }
  }

  @Test("Over TCP a server that is silent does not hold a thread for ever, one that babbles is not believed")
  func hostileTCP() async throws {
    let answers: [(@Sendable (ScriptedServer.Query) -> [[UInt8]], String)] = [
      ({ _ in [] }, "in time"),
      ({ query in [Array(query.reply().octets.prefix(11))] }, "errno"),
      (
        { query in
          var other = query.reply().answering(record)
          other.identifier = query.identifier &+ 1
          return [other.octets]
        }, "errno"
      ),
      ({ query in [Array(query.reply().answering(record).octets.dropLast())] }, "malformed"),
      (
        { query in
          var other = query.reply().answering(record)
          other.questions = [wireName("evil.example") + wire(16) + wire(1)]
          return [other.octets]
        }, "another question"
      ),
    ]
    for (answer, reason) in answers {
      let script: ScriptedServer.Script = { $0.isTCP ? answer($0) : [$0.reply(WireMessage.truncated).octets] }
      try await withScriptedServer(script) { server in
        let answer = await resolver(server).resolve(question)
        #expect(answer.failure?.contains(reason) == true, "\(answer)")
        #expect(server.queries.count == 2)
      }
    }
  }

  @Test("The largest answer", arguments: [511, 512, 513, 999, 1_000, 1_001, 65_534, 65_535])
  func largestAnswer(_ count: Int) async throws {
    let script: ScriptedServer.Script = { query in
      guard query.isTCP else { return [query.reply(WireMessage.truncated).octets] }
      var message = query.reply().answering(record)
      message.answers.append(wireRecord("x", 10, [UInt8](repeating: 0, count: count - message.octets.count - 13)))
      return [message.octets]
    }
    try await withScriptedServer(script) { server in
      for largest in [512, 1_000, 65_535] {
        let answer = await resolver(server, largestAnswer: largest).resolve(question)
        #expect((answer.outcome == hello) == (count <= largest), "\(answer)")
        #expect((answer.failure?.contains("larger than is read") == true) == (count > largest))
      }
    }
  }

  @Test("A datagram that is larger than is read is malformed") func largeDatagram() async throws {
    let script: ScriptedServer.Script = { query in
      [query.reply().answering(record, wireRecord("x", 10, [UInt8](repeating: 0, count: 600))).octets]
    }
    try await withScriptedServer(script) { server in
      #expect(await resolver(server).resolve(question).outcome == hello)
      let answer = await resolver(server, largestAnswer: 512).resolve(question)
      #expect(answer.failure?.contains("malformed") == true, "\(answer)")
    }
  }

  @Test("Damaged records are malformed", arguments: [0, 3, 5]) func damaged(_ count: Int) async throws {
    let script: ScriptedServer.Script = {
      [$0.reply().answering(wireRecord("www.example.com", .a, [UInt8](repeating: 1, count: count))).octets]
    }
    try await withScriptedServer(script) { server in
      let answer = await resolver(server).resolve(DNSQuestion(name, .a))
      #expect(answer.failure?.contains("record A at www.example.com are damaged") == true, "\(answer)")
    }
  }

  @Test("Aliases that lead nowhere in the answer are asked for, to a limit", arguments: [7, 8, 9])
  func aliasesOneByOne(_ count: Int) async throws {
    let script: ScriptedServer.Script = { query in
      let index = Int(query.name.dropFirst().prefix { $0 != "." }) ?? 0
      guard index < count else {
        return [query.reply(WireMessage.authenticated).answering(wireText(query.name, "hello", ttl: 9)).octets]
      }
      let flags = index == 3 ? 0x8180 : WireMessage.authenticated
      return [
        query.reply(flags).answering(wireAlias(query.name, "n\(index + 1).example", ttl: UInt32(60 + index))).octets
      ]
    }
    try await withScriptedServer(script) { server in
      let answer = await resolver(server).resolve(question)
      if count <= 8 {
        let aliases = (1...count).compactMap { DNSName("n\($0).example") }
        #expect(answer == DNSAnswer(hello, timeToLive: .seconds(9), aliases: aliases))
      } else {
        #expect(answer.failure?.contains("more than 8 aliases") == true, "\(answer)")
      }
      #expect(server.queries.count == min(count + 1, 9))
    }
  }
}

@Suite("Threads, and who waits") struct SystemResolverThreadTests {
  /// A resolver whose questions do not end by themselves while a test lasts.
  private func patient(_ server: ScriptedServer, threads: Int, waiting: Int = 1_024) -> SystemResolver {
    SystemResolver(
      .init(nameServers: [server.nameServer], timeout: .seconds(30), threads: threads, waitingQuestions: waiting))
  }

  private func question(_ index: Int) -> DNSQuestion { DNSQuestion(DNSName("n\(index).example") ?? .root, .txt) }

  @Test("Whoever cancels is answered at once; the late answer is dropped") func cancelRunning() async throws {
    try await withScriptedServer({ _ in [] }) { server in
      let resolver = patient(server, threads: 1)
      let task = Task { await resolver.resolve(question(0)) }
      await server.receive(1)
      task.cancel()
      #expect(await task.value.failure?.contains("cancelled") == true)
      // The thread asks on, and holds its place until the answer comes, which nobody hears.
      #expect(resolver.busyCount == 1)
      server.answer(server.queries[0], server.queries[0].reply().octets)
      while resolver.busyCount > 0 { await Task.yield() }
    }
  }

  @Test("What was abandoned is asked on for the next who wants to know it") func joinAbandoned() async throws {
    try await withScriptedServer({ _ in [] }) { server in
      let resolver = patient(server, threads: 1, waiting: 0)
      let first = Task { await resolver.resolve(question(0)) }
      await server.receive(1)
      // As long as somebody waits, there is no place.
      #expect(await resolver.resolve(question(0)).failure?.contains("too many") == true)
      first.cancel()
      _ = await first.value
      #expect(await resolver.resolve(question(1)).failure?.contains("too many") == true)

      // Who takes the place may leave it again.
      #expect(resolver.abandonedCount == 1)
      let second = Task { await resolver.resolve(question(0)) }
      while resolver.abandonedCount > 0 { await Task.yield() }
      second.cancel()
      #expect(await second.value.failure?.contains("cancelled") == true)
      #expect(resolver.abandonedCount == 1 && resolver.busyCount == 1)

      let third = Task { await resolver.resolve(question(0)) }
      while resolver.abandonedCount > 0 { await Task.yield() }
      server.answer(server.queries[0], server.queries[0].reply().octets)
      #expect(await third.value.outcome == .noRecords)
      #expect(server.queries.count == 1)
      while resolver.busyCount > 0 { await Task.yield() }
    }
  }

  @Test("Who wants it asked anew is not given the answer to what was asked before he came, and takes no second thread")
  func joinAnew() async throws {
    let isFirst = Atomic(true)
    let script: ScriptedServer.Script = { query in
      isFirst.exchange(false, ordering: .relaxed) ? [] : [query.reply().answering(wireText(query.name, "new")).octets]
    }
    try await withScriptedServer(script) { server in
      let resolver = patient(server, threads: 1, waiting: 0)
      let first = Task { await resolver.resolve(question(0)) }
      await server.receive(1)
      first.cancel()
      _ = await first.value
      let fresh = Task { await CachingResolver(resolver).fresh.resolve(question(0)) }
      while resolver.abandonedCount > 0 { await Task.yield() }
      server.answer(server.queries[0], server.queries[0].reply().answering(wireText("n0.example", "old")).octets)
      #expect(await fresh.value.outcome == .records([.text(DNSText("new"))]))
      #expect(server.queries.count == 2)
    }
  }

  @Test("Who wants it asked anew may leave, and be shut out") func leaveAnew() async throws {
    try await withScriptedServer({ _ in [] }) { server in
      let resolver = patient(server, threads: 1, waiting: 0)
      let tasks = (0..<3).map { number in
        { Task { number == 0 ? await resolver.resolve(question(0)) : await resolver.resolveAnew(question(0)) } }
      }
      for (index, begin) in tasks.enumerated() {
        let task = begin()
        if index == 0 { await server.receive(1) }
        while resolver.abandonedCount > 0 { await Task.yield() }
        if index == 2 { resolver.shutdown() } else { task.cancel() }
        #expect(await task.value.failure?.contains(index == 2 ? "shut down" : "cancelled") == true)
      }
      server.answer(server.queries[0], server.queries[0].reply().octets)
      while resolver.busyCount > 0 { await Task.yield() }
      #expect(server.queries.count == 1)
    }
  }

  @Test("One dead name behind a cache takes one thread, however many give up on it in turn") func deadName()
    async throws
  {
    try await withScriptedServer({ _ in [] }) { server in
      let resolver = patient(server, threads: 8)
      let cache = CachingResolver(resolver)
      var tasks: [Task<DNSAnswer, Never>] = []
      for index in 0..<6 {
        tasks.append(Task { await cache.resolve(question(0)) })
        if index == 0 { await server.receive(1) }
        while cache.figures.shared < index { await Task.yield() }
      }
      for index in 0..<5 {
        tasks[index].cancel()
        #expect(await tasks[index].value.failure?.contains("cancelled") == true)
        // The next one leads, and has taken the place.
        while cache.figures.misses < index + 2 || resolver.abandonedCount > 0 { await Task.yield() }
      }
      #expect(resolver.busyCount == 1 && resolver.waitingCount == 0 && server.queries.count == 1)
      server.answer(server.queries[0], server.queries[0].reply().octets)
      #expect(await tasks[5].value.outcome == .noRecords)
      while resolver.busyCount > 0 { await Task.yield() }
    }
  }

  @Test("Whoever cancels before his turn is not asked for at all") func cancelWaiting() async throws {
    try await withScriptedServer({ $0.name == "n0.example" ? [] : [$0.reply().octets] }) { server in
      let resolver = patient(server, threads: 1)
      let first = Task { await resolver.resolve(question(0)) }
      await server.receive(1)
      let second = Task { await resolver.resolve(question(1)) }
      while resolver.waitingCount < 1 { await Task.yield() }
      let third = Task { await resolver.resolve(question(2)) }
      while resolver.waitingCount < 2 { await Task.yield() }
      second.cancel()
      #expect(await second.value.failure?.contains("cancelled") == true)
      #expect(resolver.waitingCount == 1)

      server.answer(server.queries[0], server.queries[0].reply().octets)
      #expect(await first.value.outcome == .noRecords)
      #expect(await third.value.outcome == .noRecords)
      #expect(server.queries.map(\.name) == ["n0.example", "n2.example"])
    }
  }

  @Test("A task that is cancelled already asks nothing") func cancelledBefore() async throws {
    try await withScriptedServer({ [$0.reply().octets] }) { server in
      let resolver = resolver(server)
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return await resolver.resolve(question(0))
      }
      #expect(await task.value.failure?.contains("cancelled") == true)
      #expect(server.queries.isEmpty)
    }
  }

  @Test("Two threads and two places in line: the fifth is turned away") func limits() async throws {
    try await withScriptedServer({ _ in [] }) { server in
      let resolver = patient(server, threads: 2, waiting: 2)
      var tasks: [Task<DNSAnswer, Never>] = []
      for index in 0..<4 {
        tasks.append(Task { await resolver.resolve(question(index)) })
        if index < 2 {
          await server.receive(index + 1)
        } else {
          while resolver.waitingCount < index - 1 { await Task.yield() }
        }
      }
      #expect(resolver.busyCount == 2 && resolver.waitingCount == 2)
      let fifth = await resolver.resolve(question(4))
      guard case .temporaryFailure(let reason) = fifth.outcome else {
        Issue.record("\(fifth)")
        return
      }
      #expect(reason.contains("too many questions wait"))

      // A place that becomes free is given away again.
      tasks[3].cancel()
      _ = await tasks[3].value
      let sixth = Task { await resolver.resolve(question(5)) }
      while resolver.waitingCount < 2 { await Task.yield() }

      resolver.shutdown()
      for task in tasks[..<3] + [sixth] {
        #expect(await task.value.failure?.contains("shut down") == true)
      }
      #expect(Set(server.queries.map(\.name)) == ["n0.example", "n1.example"])
    }
  }

  @Test("After the shutdown nothing is asked") func shutdown() async throws {
    try await withScriptedServer({ [$0.reply().octets] }) { server in
      let resolver = resolver(server)
      #expect(await resolver.resolve(question(0)).outcome == .noRecords)
      resolver.shutdown()
      resolver.shutdown()
      #expect(await resolver.resolve(question(1)).failure?.contains("shut down") == true)
      #expect(server.queries.count == 1)
      while resolver.busyCount > 0 { await Task.yield() }
    }
  }

  @Test("Without a line, a second question is turned away only while the first is asked") func noLine() async throws {
    try await withScriptedServer({ $0.name == "n0.example" ? [] : [$0.reply().octets] }) { server in
      let resolver = patient(server, threads: 1, waiting: 0)
      let first = Task { await resolver.resolve(question(0)) }
      await server.receive(1)
      #expect(await resolver.resolve(question(1)).failure?.contains("too many") == true)
      server.answer(server.queries[0], server.queries[0].reply().octets)
      _ = await first.value
      while resolver.busyCount > 0 { await Task.yield() }
      #expect(await resolver.resolve(question(1)).outcome == .noRecords)
    }
  }
}
