import MailDNS
import MailModel
import SMTPTesting
import Testing

/// What is remembered, and for how long.
@Suite struct CachingResolverTests {
  private let clock = TestClock()
  private let dns = ScriptedDNS()

  private func cache(_ limits: CachingResolver.Limits = .init()) -> CachingResolver {
    CachingResolver(dns, limits: limits, clock: clock)
  }

  @Test func timeCountsDown() async throws {
    let question = try question()
    dns.set(question.name, texts: "one")
    let cache = cache()
    #expect(await cache.resolve(question) == .text("one"))
    dns.set(question.name, texts: "two")
    clock.advance(by: .milliseconds(299_999))
    #expect(await cache.resolve(question) == .text("one", .milliseconds(1)))
    clock.advance(by: .milliseconds(1))
    #expect(await cache.resolve(question) == .text("two"))
    #expect(cache.figures.hits == 1)
    #expect(cache.figures.misses == 2)
    #expect(cache.figures.entries == 1)
  }

  @Test func everythingOfAnAnswerIsRemembered() async throws {
    dns.isAuthenticated = true
    dns.set(try name("a.example"), .cname, [.alias(try name("b.example"))])
    dns.set(try name("b.example"), texts: "x")
    let cache = cache()
    let first = await cache.resolve(try question("a.example"))
    #expect(first.isAuthenticated)
    #expect(try first.aliases == [name("b.example")])
    #expect(await cache.resolve(try question("A.EXAMPLE.")) == first)
    #expect(dns.questions.count == 1)
    #expect(await cache.resolve(try question("a.example", .a)).isVoid)
    #expect(dns.questions.count == 2)
  }

  /// What each kind of answer is remembered for by default, with a TTL at, below and beyond its limits.
  @Test(arguments: [
    (DNSAnswer.Outcome.records([]), 3599, 3599), (.records([]), 3600, 3600), (.records([]), 3601, 3600),
    (.records([]), 0, 1), (.records([]), 1, 1), (.records([]), 2, 2), (.records([]), -5, 1),
    (.records([]), Int.max, 3600),
    (.noRecords, 899, 899), (.noRecords, 900, 900), (.noRecords, 901, 900), (.noSuchName, 86_400, 900),
    (.noSuchName, 0, 1), (.temporaryFailure("SERVFAIL"), 0, 5), (.temporaryFailure("SERVFAIL"), 300, 5),
    (.malformed("short"), 300, 5),
  ])
  func timesByDefault(_ outcome: DNSAnswer.Outcome, _ timeToLive: Int, _ kept: Int) async throws {
    let question = try question()
    dns.set(question, outcome, timeToLive: .seconds(timeToLive))
    let cache = cache()
    #expect(await cache.resolve(question) == DNSAnswer(outcome, timeToLive: .seconds(kept)))
    clock.advance(by: .seconds(kept) - .nanoseconds(1))
    #expect(await cache.resolve(question) == DNSAnswer(outcome, timeToLive: .nanoseconds(1)))
    #expect(dns.questions.count == 1)
    clock.advance(by: .nanoseconds(1))
    _ = await cache.resolve(question)
    #expect(dns.questions.count == 2)
  }

  @Test func failuresHaveLawfulTimes() {
    typealias Limits = CachingResolver.Limits
    #expect(Limits(failureTimeToLive: .zero).failureTimeToLive == .seconds(1))
    #expect(Limits(failureTimeToLive: .seconds(1)).failureTimeToLive == .seconds(1))
    #expect(Limits(failureTimeToLive: .seconds(2)).failureTimeToLive == .seconds(2))
    #expect(Limits(failureTimeToLive: .seconds(300)).failureTimeToLive == .seconds(300))
    var limits = Limits(failureTimeToLive: .seconds(301))
    #expect(limits.failureTimeToLive == .seconds(300))
    limits.failureTimeToLive = .milliseconds(999)
    #expect(limits.failureTimeToLive == .seconds(1))
  }

  @Test func withoutAShortestTimeZeroIsNotRemembered() async throws {
    let question = try question()
    dns.set(question.name, .txt, [.text(DNSText("x"))], timeToLive: .zero)
    let cache = cache(.init(shortestTimeToLive: .zero))
    for _ in 0..<3 { #expect(await cache.resolve(question) == .text("x", .zero)) }
    #expect(dns.questions.count == 3)
    #expect(cache.figures.entries == 0)
  }

  @Test func theLongestTimeGoesBeforeTheShortest() async throws {
    let question = try question()
    dns.set(question.name, texts: "x")
    let cache = cache(.init(longestTimeToLive: .seconds(10), shortestTimeToLive: .seconds(60)))
    #expect(await cache.resolve(question).timeToLive == .seconds(10))
  }

  @Test func aZoneThatRecoversIsSeen() async throws {
    let question = try question()
    dns.set(question.name, texts: "x")
    dns.set(question, .temporaryFailure("timeout"), times: 1)
    let cache = cache()
    #expect(await cache.resolve(question).isTemporaryFailure)
    #expect(await cache.resolve(question).isTemporaryFailure)
    clock.advance(by: .seconds(5))
    #expect(await cache.resolve(question) == .text("x"))
  }
}

/// What asks anew.
@Suite struct FreshResolverTests {
  private let clock = TestClock()

  @Test func renewsTheCache() async throws {
    let dns = ScriptedDNS()
    let question = try question()
    let cache = CachingResolver(dns, clock: clock)
    #expect(await cache.resolve(question).outcome == .noSuchName)
    dns.set(question.name, texts: "v=spf1 -all")
    #expect(await cache.resolve(question).outcome == .noSuchName)
    #expect(await cache.fresh.resolve(question) == .text("v=spf1 -all"))
    clock.advance(by: .seconds(1))
    #expect(await cache.resolve(question) == .text("v=spf1 -all", .seconds(299)))
    #expect(dns.questions.count == 2)
    #expect(cache.figures.misses == 2 && cache.figures.hits == 2)
  }

  /// Through a second cache too, which would have an answer of its own.
  @Test func throughTwoCaches() async throws {
    let dns = ScriptedDNS()
    let question = try question()
    let near = CachingResolver(CachingResolver(dns, clock: clock), clock: clock)
    #expect(await near.resolve(question).outcome == .noSuchName)
    dns.set(question.name, texts: "new")
    #expect(await near.fresh.resolve(question) == .text("new"))
    #expect(dns.questions.count == 2)
  }

  @Test func aFailureDoesNotDisplaceWhatIsKnown() async throws {
    let dns = ScriptedDNS()
    let question = try question()
    dns.set(question.name, texts: "x")
    let cache = CachingResolver(dns, clock: clock)
    _ = await cache.resolve(question)
    dns.set(question, .malformed("short"))
    #expect(await cache.fresh.resolve(question).outcome == .malformed("short"))
    #expect(await cache.resolve(question) == .text("x"))
    clock.advance(by: .seconds(300))
    #expect(await cache.fresh.resolve(question).outcome == .malformed("short"))
    #expect(await cache.resolve(question).outcome == .malformed("short"))
    dns.set(question, .noRecords)
    #expect(await cache.fresh.resolve(question).outcome == .noRecords)
    #expect(await cache.resolve(question).outcome == .noRecords)
  }

  /// A lookup that began before is not shared, and does not undo what the fresh one brought.
  @Test func anEarlierLookupDoesNotDisplaceALaterOne() async throws {
    let upstream = StepwiseResolver()
    let cache = CachingResolver(upstream, clock: clock)
    let question = try question()
    async let earlier = cache.resolve(question)
    await until { upstream.calls == 1 }
    async let fresh = cache.fresh.resolve(question)
    await until { upstream.calls == 2 }
    upstream.answer(call: 2, .text("new"))
    #expect(await fresh == .text("new"))
    upstream.answer(call: 1, .text("old"))
    #expect(await earlier == .text("old"))
    #expect(await cache.resolve(question) == .text("new"))
  }

  /// One that began later may.
  @Test func aLaterLookupDisplacesAnEarlierOne() async throws {
    let upstream = StepwiseResolver()
    let cache = CachingResolver(upstream, clock: clock)
    let question = try question()
    async let first = cache.fresh.resolve(question)
    await until { upstream.calls == 1 }
    async let second = cache.resolve(question)
    await until { upstream.calls == 2 }
    upstream.answer(call: 1, .text("old"))
    #expect(await first == .text("old"))
    upstream.answer(call: 2, .text("new"))
    #expect(await second == .text("new"))
    #expect(await cache.resolve(question) == .text("new"))
  }

  @Test func whatMayNotBeRememberedTakesTheOldAway() async throws {
    let dns = ScriptedDNS()
    let question = try question()
    dns.set(question.name, texts: "old")
    let cache = CachingResolver(dns, limits: .init(shortestTimeToLive: .zero), clock: clock)
    _ = await cache.resolve(question)
    dns.set(question.name, .txt, [.text(DNSText("new"))], timeToLive: .zero)
    #expect(await cache.fresh.resolve(question) == .text("new", .zero))
    #expect(await cache.resolve(question) == .text("new", .zero))
    #expect(cache.figures.octets == 0)
  }

  @Test func cancelledAsksNobody() async throws {
    let dns = ScriptedDNS()
    let cache = CachingResolver(dns, clock: clock)
    let question = try question()
    let task = Task { await cache.fresh.resolve(question) }
    task.cancel()
    _ = await task.value
    dns.hold(question)
    let waiting = Task { await cache.fresh.resolve(question) }
    await until { !dns.questions.isEmpty }
    waiting.cancel()
    #expect(await waiting.value.isTemporaryFailure)
    dns.release(question)
    #expect(await cache.resolve(question).outcome == .noSuchName)
  }
}
