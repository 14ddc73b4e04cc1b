import MailDNS
import SMTPTesting
import Testing

/// How much is remembered.
@Suite struct CacheRoomTests {
  private let clock = TestClock()
  private let dns = ScriptedDNS()

  /// Asks for the names of these numbers, and gives those that were not remembered.
  private func ask(_ cache: CachingResolver, _ numbers: some Sequence<Int>) async throws -> [Int] {
    var asked: [Int] = []
    for number in numbers {
      let before = dns.questions.count
      _ = await cache.resolve(try question("n\(number).example"))
      if dns.questions.count > before { asked.append(number) }
    }
    return asked
  }

  @Test(arguments: [(2, [Int]()), (3, []), (4, [1, 2, 3, 4])])
  func mostEntries(_ count: Int, _ askedAgain: [Int]) async throws {
    let cache = CachingResolver(dns, limits: .init(entries: 3), clock: clock)
    #expect(try await ask(cache, 1...count) == Array(1...count))
    #expect(cache.figures.entries == min(count, 3))
    #expect(try await ask(cache, 1...count) == askedAgain)
    #expect(cache.figures.entries == min(count, 3))
  }

  @Test func theLeastLatelyUsedGoes() async throws {
    let cache = CachingResolver(dns, limits: .init(entries: 3), clock: clock)
    #expect(try await ask(cache, [1, 2, 3, 1, 4, 5]) == [1, 2, 3, 4, 5])
    #expect(try await ask(cache, [1, 4, 5]) == [])
    #expect(try await ask(cache, [2, 1]) == [2, 1])
  }

  @Test(arguments: [0, -1]) func noRoom(_ entries: Int) async throws {
    let cache = CachingResolver(dns, limits: .init(entries: entries), clock: clock)
    #expect(try await ask(cache, [1, 1, 1]) == [1, 1, 1])
    #expect(cache.figures.entries == 0)
    let narrow = CachingResolver(dns, limits: .init(octets: entries), clock: clock)
    #expect(try await ask(narrow, [1, 1]) == [1, 1])
    #expect(narrow.figures.octets == 0)
  }

  /// Room for three answers, for one octet less, for one more.
  @Test(arguments: [(-1, 2), (0, 3), (1, 3)]) func mostOctets(_ difference: Int, _ entries: Int) async throws {
    let measuring = CachingResolver(dns, clock: clock)
    _ = try await ask(measuring, [1])
    let each = measuring.figures.octets
    #expect(each > 0)
    let cache = CachingResolver(dns, limits: .init(octets: 3 * each + difference), clock: clock)
    _ = try await ask(cache, 1...3)
    #expect(cache.figures.entries == entries)
    #expect(cache.figures.octets == entries * each)
    _ = try await ask(cache, 4...9)
    #expect(cache.figures.octets == entries * each)
  }

  /// One answer of as much as there is room for displaces all others; of more, none.
  @Test func aLargeAnswer() async throws {
    let large = try question("large.example")
    dns.set(large.name, texts: String(repeating: "x", count: 60_000))
    let measuring = CachingResolver(dns, clock: clock)
    _ = await measuring.resolve(large)
    let octets = measuring.figures.octets
    #expect(octets > 60_000)
    let cache = CachingResolver(dns, limits: .init(octets: octets), clock: clock)
    _ = try await ask(cache, 1...5)
    _ = await cache.resolve(large)
    #expect(cache.figures.entries == 1 && cache.figures.octets == octets)
    let narrow = CachingResolver(dns, limits: .init(octets: octets - 1), clock: clock)
    _ = try await ask(narrow, 1...5)
    #expect(await narrow.resolve(large).records.count == 1)
    #expect(narrow.figures.entries == 5)
  }

  /// What is over goes without being asked for again.
  @Test func whatIsOverMakesRoom() async throws {
    dns.timeToLive = .seconds(10)
    let cache = CachingResolver(dns, clock: clock)
    _ = try await ask(cache, 1...100)
    clock.advance(by: .seconds(10))
    dns.timeToLive = .seconds(100)
    #expect(cache.figures.entries == 100)
    _ = try await ask(cache, 201...260)
    #expect(cache.figures.entries == 60)
    #expect(try await ask(cache, 201...260) == [])
    clock.advance(by: .seconds(100))
    for number in 201...260 { _ = try await ask(cache, [number]) }
    #expect(cache.figures.entries == 60)
  }
}
