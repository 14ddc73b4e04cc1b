import MailDNS

extension DNSResolverConformance {
  func aliases(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    let chain = ["alias2", "alias3", "host"].map(probe.name)
    let expected = probe.addresses("192.0.2.1", "192.0.2.2")
    await probe.expectRecords(resolver, probe.name("alias"), .a, expected, aliases: chain)
    await probe.expectRecords(
      resolver, probe.name("alias3"), .txt, [.text(DNSText("text of a host"))], aliases: [probe.name("host")])
    await probe.expectRecords(resolver, probe.name("alias"), .cname, [.alias(probe.name("alias2"))])
    await probe.expectOutcome(resolver, probe.name("host"), .cname, .noRecords)
  }

  func aliasToNothing(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    await probe.expectOutcome(
      resolver, probe.name("alias-to-nothing"), .a, .noSuchName, aliases: [probe.name("missing")])
    await probe.expectOutcome(
      resolver, probe.name("alias-to-nodata"), .a, .noRecords, aliases: [probe.name("mail")])
  }

  func aliasCircle(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    for prefix in ["circle", "circle2", "own-circle"] {
      let answer = await resolver.resolve(DNSQuestion(probe.name(prefix), .a))
      probe.expect(answer.failure != nil, "\(prefix): expected a failure, found \(answer.outcome)")
    }
  }

  func nothing(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    await probe.expectOutcome(resolver, probe.name("mail"), .a, .noRecords)
    await probe.expectOutcome(resolver, probe.name("host"), .mx, .noRecords)
    await probe.expectOutcome(resolver, probe.name("missing"), .a, .noSuchName)
    await probe.expectOutcome(resolver, probe.name("below.host"), .txt, .noSuchName)
    // It has no records, but stands above one that has (RFC 8020 §2).
    await probe.expectOutcome(resolver, probe.name("empty"), .a, .noRecords)
    await probe.expectRecords(resolver, probe.name("leaf.empty"), .a, probe.addresses("192.0.2.3"))
  }

  func wildcard(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    let expected: [DNSRecord] = [.text(DNSText("wild"))]
    await probe.expectRecords(resolver, probe.name("any.wild"), .txt, expected)
    await probe.expectRecords(resolver, probe.name("any.name.wild"), .txt, expected)
    await probe.expectOutcome(resolver, probe.name("any.wild"), .a, .noRecords)
    await probe.expectOutcome(resolver, probe.name("wild"), .txt, .noRecords)
  }

  func timeToLive(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    await probe.expectTime(resolver, probe.name("host"), .a, atMost: .seconds(300))
    await probe.expectTime(resolver, probe.name("brief"), .a, atMost: .seconds(20))
    await probe.expectTime(resolver, probe.name("alias"), .a, atMost: .seconds(40))
    await probe.expectTime(resolver, probe.name("alias3"), .a, atMost: .seconds(300))
  }

  func negativeTimeToLive(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    await probe.expectTime(resolver, probe.name("missing"), .a, atMost: .seconds(30))
    await probe.expectTime(resolver, probe.name("host"), .mx, atMost: .seconds(30))
    await probe.expectTime(resolver, probe.name("alias-to-nothing"), .a, atMost: .seconds(30))
  }

  func manyAtOnce(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    let many = 200
    let addresses = (1...100).flatMap { probe.addresses("198.51.100.\($0)") }
    let expected: [(DNSQuestion, Set<DNSRecord>)] = [
      (DNSQuestion(probe.name("host"), .a), Set(probe.addresses("192.0.2.1", "192.0.2.2"))),
      (DNSQuestion(probe.name("host"), .aaaa), Set(probe.addresses("2001:db8::1"))),
      (DNSQuestion(probe.name("brief"), .a), Set(probe.addresses("192.0.2.4"))),
      (DNSQuestion(probe.name("missing"), .a), []),
      (DNSQuestion(probe.name("many"), .a), Set(addresses)),
    ]
    let answers = await withTaskGroup(of: (Int, DNSAnswer).self) { group in
      for index in 0..<many {
        let question = expected[index % expected.count].0
        group.addTask { (index, await resolver.resolve(question)) }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    for (index, answer) in answers {
      let (question, records) = expected[index % expected.count]
      probe.expect(Set(answer.records) == records, "\(question): found \(answer.outcome)")
    }
    probe.expectEqual(answers.count, many, "answers")
  }

  func cancellation(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    let question = DNSQuestion(probe.name("host"), .a)
    let expected = Set(probe.addresses("192.0.2.1", "192.0.2.2"))
    for delay in 0..<10 {
      // Those who are cancelled and those who are not ask the same at the same time.
      async let others = withTaskGroup(of: DNSAnswer.self) { group in
        for _ in 0..<10 { group.addTask { await resolver.resolve(question) } }
        return await group.reduce(into: []) { $0.append($1) }
      }
      let cancelled = await withTaskGroup(of: DNSAnswer.self) { group in
        for _ in 0..<10 { group.addTask { await resolver.resolve(question) } }
        for _ in 0..<delay { await Task.yield() }
        group.cancelAll()
        return await group.reduce(into: []) { $0.append($1) }
      }
      for answer in cancelled where Set(answer.records) != expected {
        probe.expectTemporaryFailure(answer, "a question of a cancelled task")
      }
      for answer in await others {
        probe.expect(Set(answer.records) == expected, "beside cancelled tasks: found \(answer.outcome)")
      }
    }
    await probe.expectRecords(resolver, question.name, .a, probe.addresses("192.0.2.1", "192.0.2.2"))
  }
}
