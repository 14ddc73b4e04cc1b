import Synchronization

/// Remembers what another resolver answers, for as long as that may be remembered, and asks it once for many who ask at
/// the same time.
///
/// - Records are remembered for their TTL, that there is nothing by RFC 2308, failures for a moment; all within
///   ``Limits``. An answer is given with the time that is left of it. It is remembered for its question alone: that a
///   name does not exist is asked again for each type.
/// - Whoever asks what nobody knows yet asks the other resolver, in its own task. Who asks the same meanwhile waits for
///   that answer. Cancelled while it waits, it leaves at once. When it is the asking task that is cancelled, one who
///   waits asks anew, and nobody else sees a failure.
/// - Memory is bounded. Those who wait are tasks of the callers, and not bounded here.
public final class CachingResolver: DNSResolver {
  private let upstream: any DNSResolver
  private let elapsed: @Sendable () -> Duration
  private let state: Mutex<State>

  /// A cache in front of another resolver.
  ///
  /// - Parameters:
  ///   - upstream: who is asked what is not remembered. It returns at once when the asking task is cancelled, as
  ///     ``DNSResolver`` has it.
  ///   - limits: how long and how much is remembered.
  ///   - clock: what times to live are measured by.
  public init(_ upstream: any DNSResolver, limits: Limits = Limits(), clock: any Clock<Duration> = ContinuousClock()) {
    self.upstream = upstream
    elapsed = Self.stopwatch(clock)
    state = Mutex(State(cache: DNSCache(limits: limits)))
  }

  /// What is remembered, or else what the other resolver answers.
  public func resolve(_ question: DNSQuestion) async -> DNSAnswer {
    let now = elapsed()
    let begun = state.withLock { $0.begin(question, at: now) }
    let turn = if let begun { begun } else { await wait(for: question) }
    return switch turn {
    case .answer(let answer): answer
    case .lookup(let number): await lookUp(question, number)
    }
  }

  /// The same resolver, which asks anew whatever is remembered, and shares no lookup that began before: for who has just
  /// changed a record. What it brings is remembered for all; a failure does not displace what is known.
  ///
  /// The other resolver is asked anew too where it is one of this package. What name servers remember is theirs.
  public var fresh: some DNSResolver { FreshResolver(cache: self) }

  /// How the cache has done until now.
  public var figures: Figures { state.withLock { $0.figures } }

  /// What a cache counts.
  public struct Figures: Hashable, Sendable {
    /// Questions that were answered from memory.
    public var hits = 0
    /// Lookups that were begun, the fresh ones too: questions for the other resolver, but for those of a task that was
    /// cancelled before its turn.
    public var misses = 0
    /// Questions that waited for the answer to the same question of another task.
    public var shared = 0
    /// Answers that are remembered, those too whose time is over and whose room nobody has needed yet.
    public var entries = 0
    /// Octets that they take, about.
    public var octets = 0
  }

  private static func stopwatch<C: Clock>(_ clock: C) -> @Sendable () -> Duration where C.Duration == Duration {
    let start = clock.now
    return { start.duration(to: clock.now) }
  }
}

extension CachingResolver: AnewResolver {
  /// Waits until another task's lookup has an answer, or until it is this task's turn.
  private func wait(for question: DNSQuestion) async -> Turn {
    let ticket = state.withLock { $0.nextNumber() }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let now = elapsed()
        let turn = state.withLock { state -> Turn? in
          // Under the lock: whoever is cancelled after this is found by the handler.
          if Task.isCancelled { return .answer(.cancelled) }
          return state.begin(question, at: now, orWaitWith: (ticket, continuation))
        }
        if let turn { continuation.resume(returning: turn) }
      }
    } onCancel: {
      state.withLock { $0.leave(question, ticket) }?.resume(returning: .answer(.cancelled))
    }
  }

  /// Asks the other resolver for all who wait.
  private func lookUp(_ question: DNSQuestion, _ number: UInt64) async -> DNSAnswer {
    let answer = Task.isCancelled ? .cancelled : await upstream.resolve(question)
    guard !answer.isOfCancelledTask else {
      if let (next, number) = state.withLock({ $0.handOver(question) }) { next.resume(returning: .lookup(number)) }
      return answer
    }
    let now = elapsed()
    var (kept, waiting) = state.withLock { $0.end(question, number, answer, at: now) }
    while let next = waiting.removeFirst() { next.resume(returning: .answer(kept)) }
    return kept
  }

  package func resolveAnew(_ question: DNSQuestion) async -> DNSAnswer {
    guard !Task.isCancelled else { return .cancelled }
    let number = state.withLock { $0.beginAnew() }
    let answer =
      if let upstream = upstream as? any AnewResolver {
        await upstream.resolveAnew(question)
      } else {
        await upstream.resolve(question)
      }
    guard !answer.isOfCancelledTask else { return answer }
    let now = elapsed()
    return state.withLock { $0.cache.keep(answer, to: question, of: number, at: now) }
  }
}

private struct FreshResolver: DNSResolver {
  let cache: CachingResolver

  func resolve(_ question: DNSQuestion) async -> DNSAnswer { await cache.resolveAnew(question) }
}

extension DNSAnswer {
  /// For who is tired of waiting.
  fileprivate static let cancelled = DNSAnswer(.temporaryFailure("cancelled"))

  /// Whether this failed because this task was cancelled: it says nothing to others.
  fileprivate var isOfCancelledTask: Bool {
    if case .temporaryFailure = outcome { Task.isCancelled } else { false }
  }
}

/// What one who asked is to do next.
private enum Turn: Sendable {
  /// Be content with this.
  case answer(DNSAnswer)
  /// Look it up: the lookup of this number is its own.
  case lookup(UInt64)
}

private typealias Waiting = CheckedContinuation<Turn, Never>

private struct State: Sendable {
  var cache: DNSCache
  /// The lookups under way, with those who wait for each, in the order in which they came.
  private var lookups: [DNSQuestion: OrderedTable<UInt64, Waiting>] = [:]
  private var lastNumber: UInt64 = 0
  private var counted = CachingResolver.Figures()

  init(cache: DNSCache) { self.cache = cache }

  var figures: CachingResolver.Figures {
    var figures = counted
    (figures.entries, figures.octets) = (cache.count, cache.octets)
    return figures
  }

  mutating func nextNumber() -> UInt64 {
    lastNumber &+= 1
    return lastNumber
  }

  /// What is known, or a lookup of one's own; `nil` where one has to wait, with whom it then knows.
  mutating func begin(
    _ question: DNSQuestion, at now: Duration, orWaitWith place: (ticket: UInt64, Waiting)? = nil
  ) -> Turn? {
    if let answer = cache.answer(to: question, at: now) {
      counted.hits += 1
      return .answer(answer)
    }
    if lookups[question] == nil {
      lookups[question] = OrderedTable()
      return .lookup(beginAnew())
    }
    if let place {
      lookups[question]?.append(place.1, for: place.ticket)
      counted.shared += 1
    }
    return nil
  }

  /// A lookup that nobody waits for.
  mutating func beginAnew() -> UInt64 {
    counted.misses += 1
    return nextNumber()
  }

  /// Takes one out who waits.
  mutating func leave(_ question: DNSQuestion, _ ticket: UInt64) -> Waiting? { lookups[question]?.remove(ticket) }

  /// Gives a lookup to the first who waits for it; it is over where nobody does.
  mutating func handOver(_ question: DNSQuestion) -> (Waiting, UInt64)? {
    guard let next = lookups[question]?.removeFirst() else {
      lookups[question] = nil
      return nil
    }
    return (next, beginAnew())
  }

  /// Ends a lookup with an answer for all who wait.
  mutating func end(
    _ question: DNSQuestion, _ number: UInt64, _ answer: DNSAnswer, at now: Duration
  ) -> (DNSAnswer, OrderedTable<UInt64, Waiting>) {
    let waiting = lookups.removeValue(forKey: question) ?? OrderedTable()
    return (cache.keep(answer, to: question, of: number, at: now), waiting)
  }
}
