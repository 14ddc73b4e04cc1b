import MailDNS
import SMTPTesting
import Testing

/// One lookup for many who ask.
@Suite(.timeLimit(.minutes(10))) struct CachingResolverConcurrencyTests {
  private let dns = ScriptedDNS()

  /// A cache whose question is held, a task that asks it, and so many that wait for that.
  private func crowd(
    _ count: Int
  ) async throws -> (cache: CachingResolver, leader: Task<DNSAnswer, Never>, waiting: [Task<DNSAnswer, Never>]) {
    let question = try question()
    dns.set(question.name, texts: "x")
    dns.hold(question)
    let cache = CachingResolver(dns)
    let leader = Task { await cache.resolve(question) }
    await dns.asked(question)
    var waiting: [Task<DNSAnswer, Never>] = []
    for number in 0..<count {
      waiting.append(Task { await cache.resolve(question) })
      await until { cache.figures.shared == number + 1 }
    }
    return (cache, leader, waiting)
  }

  @Test(arguments: [0, 1, 100]) func oneLookupForMany(_ count: Int) async throws {
    let (cache, leader, waiting) = try await crowd(count)
    dns.release(try question())
    for task in [leader] + waiting { #expect(await task.value.records.count == 1) }
    #expect(dns.questions.count == 1)
    #expect(cache.figures.misses == 1 && cache.figures.shared == count && cache.figures.hits == 0)
  }

  @Test func failuresAreShared() async throws {
    let (cache, leader, waiting) = try await crowd(10)
    dns.set(try question(), .temporaryFailure("SERVFAIL"), times: 1)
    dns.release(try question())
    for task in [leader] + waiting { #expect(await task.value.outcome == .temporaryFailure("SERVFAIL")) }
    #expect(await cache.resolve(try question()).isTemporaryFailure)
    #expect(dns.questions.count == 1)
  }

  @Test func theLeaderIsCancelled() async throws {
    let (cache, leader, waiting) = try await crowd(20)
    leader.cancel()
    #expect(await leader.value.isTemporaryFailure)
    await dns.asked(try question(), times: 2)
    dns.release(try question())
    for task in waiting { #expect(await task.value.records.count == 1) }
    #expect(dns.questions.count == 2)
    #expect(cache.figures.misses == 2)
  }

  /// Each leads in turn, the first who came first, until one is left.
  @Test func leadersAreCancelledOneByOne() async throws {
    let (_, leader, waiting) = try await crowd(20)
    let all = [leader] + waiting
    for (index, task) in all.dropLast().enumerated() {
      task.cancel()
      #expect(await task.value.isTemporaryFailure)
      await dns.asked(try question(), times: index + 2)
    }
    dns.release(try question())
    #expect(await all[20].value.records.count == 1)
  }

  @Test func aWaiterIsCancelled() async throws {
    let (cache, leader, waiting) = try await crowd(3)
    waiting[1].cancel()
    #expect(await waiting[1].value.isTemporaryFailure)
    dns.release(try question())
    for task in [leader, waiting[0], waiting[2]] { #expect(await task.value.records.count == 1) }
    #expect(dns.questions.count == 1)
    #expect(await cache.resolve(try question()).records.count == 1)
  }

  @Test func allAreCancelled() async throws {
    let (cache, leader, waiting) = try await crowd(20)
    for task in waiting.reversed() + [leader] { task.cancel() }
    for task in waiting + [leader] { #expect(await task.value.isTemporaryFailure) }
    #expect(cache.figures.entries == 0)
    dns.release(try question())
    #expect(await cache.resolve(try question()).records.count == 1)
  }

  @Test func whoIsCancelledBeforeAsksNobody() async throws {
    let cache = CachingResolver(dns)
    let question = try question()
    dns.set(question.name, texts: "x")
    let cancelled = Task {
      await until { Task.isCancelled }
      return await cache.resolve(question)
    }
    cancelled.cancel()
    #expect(await cancelled.value.isTemporaryFailure)
    #expect(dns.questions.isEmpty)
    #expect(await cache.resolve(question).records.count == 1)
    // What is remembered costs nothing: it is given to whoever asks.
    let late = Task {
      await until { Task.isCancelled }
      return await cache.resolve(question)
    }
    late.cancel()
    #expect(await late.value.records.count == 1)
  }

  /// A lookup that succeeds in spite of the cancellation is as good as any.
  @Test func theCancelledLeaderHasAnAnswer() async throws {
    let upstream = StepwiseResolver()
    let cache = CachingResolver(upstream)
    let question = try question()
    let leader = Task { await cache.resolve(question) }
    await until { upstream.calls == 1 }
    let waiting = Task { await cache.resolve(question) }
    await until { cache.figures.shared == 1 }
    leader.cancel()
    upstream.answer(call: 1, .text("x"))
    #expect(await leader.value.records.count == 1)
    #expect(await waiting.value.records.count == 1)
    #expect(upstream.calls == 1)
  }

  /// Many questions, little room, cancellations and fresh lookups: everyone has the right answer, or was cancelled.
  @Test func turmoil() async throws {
    let questions = try (0..<20).map { try question("n\($0).example") }
    for (number, question) in questions.enumerated() { dns.set(question.name, texts: "text \(number)") }
    let cache = CachingResolver(dns, limits: .init(shortestTimeToLive: .zero, entries: 5))
    dns.timeToLive = .zero
    await withTaskGroup(of: Void.self) { group in
      for worker in 0..<16 {
        group.addTask {
          for step in 0..<200 {
            let number = (worker * 7 + step * 13) % questions.count
            let isFresh = step % 11 == 0
            let task = Task {
              isFresh ? await cache.fresh.resolve(questions[number]) : await cache.resolve(questions[number])
            }
            let isCancelled = (worker + step) % 3 == 0
            if isCancelled {
              if step % 2 == 0 { await Task.yield() }
              task.cancel()
            }
            let answer = await task.value
            let isRight = answer.records == [.text(DNSText("text \(number)"))]
            #expect(isRight || isCancelled && answer.isTemporaryFailure)
          }
        }
      }
      for step in 0..<50 {
        dns.timeToLive = step % 2 == 0 ? .seconds(300) : .zero
        dns.hold(questions[step % questions.count])
        await Task.yield()
        dns.release(questions[step % questions.count])
      }
    }
    #expect(cache.figures.entries <= 5)
    for (number, question) in questions.enumerated() {
      #expect(await cache.resolve(question).records == [.text(DNSText("text \(number)"))])
    }
  }
}
