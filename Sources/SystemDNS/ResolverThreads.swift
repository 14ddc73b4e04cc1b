import Dispatch
import MailDNS
import Synchronization

/// Threads on which lookups block: so many at once, and so many that wait in line, first come first served.
///
/// A thread whose question was abandoned asks it to its end. Whoever asks the same meanwhile waits for that, rather than take
/// another thread: one name whose servers are dead, asked for again and again, would have them all. If what was asked before he
/// came is too old for him, the thread asks again.
final class ResolverThreads: Sendable {
  /// Blocks; learns by its argument whether anybody still waits for what it returns.
  typealias Work = @Sendable (_ isWanted: () -> Bool) -> DNSAnswer

  private typealias Continuation = CheckedContinuation<DNSAnswer, Never>

  /// A question, and who waits for its answer: he gets one, the first that comes. Who abandons it leaves his place to another.
  private final class Inquiry: Sendable {
    private enum Asker: Sendable {
      /// What is asked now is too old where he `wantsAnew`.
      case waits(number: UInt64, Continuation, wantsAnew: Bool)
      case left
      /// There is an answer, or will be none: nobody may take the place any more.
      case done
    }

    let question: DNSQuestion
    let work: Work
    private let asker: Mutex<Asker>

    init(_ question: DNSQuestion, _ work: @escaping Work, for number: UInt64, _ continuation: Continuation) {
      (self.question, self.work) = (question, work)
      asker = Mutex(.waits(number: number, continuation, wantsAnew: false))
    }

    /// Blocks until whoever waits has his answer, or nobody does.
    func ask() {
      while begin(), !finish(work(isWanted), wasAsked: true) {}
    }

    /// Whoever waits now has come before what is asked next. If nobody does, nobody ever will.
    private func begin() -> Bool {
      asker.withLock { asker in
        if case .waits(let number, let continuation, _) = asker {
          asker = .waits(number: number, continuation, wantsAnew: false)
          return true
        }
        asker = .done
        return false
      }
    }

    /// Whether somebody waits for what is asked now. If nobody does at all, nobody ever will.
    private func isWanted() -> Bool {
      asker.withLock { asker in
        if case .waits(_, _, let wantsAnew) = asker { return !wantsAnew }
        asker = .done
        return false
      }
    }

    var isAbandoned: Bool { asker.withLock { if case .left = $0 { true } else { false } } }

    /// Gives whoever waits an answer, and is done; but not where that `wasAsked` for before he came, and he wants another.
    @discardableResult
    func finish(_ answer: DNSAnswer, wasAsked: Bool = false) -> Bool {
      let ended = asker.withLock { asker -> Asker? in
        if wasAsked, case .waits(_, _, wantsAnew: true) = asker { return nil }
        defer { asker = .done }
        return asker
      }
      if case .waits(_, let continuation, _)? = ended { continuation.resume(returning: answer) }
      return ended != nil
    }

    /// Takes out who waits by this number.
    func leave(_ number: UInt64) -> Continuation? {
      asker.withLock { asker in
        guard case .waits(number: number, let continuation, _) = asker else { return nil }
        asker = .left
        return continuation
      }
    }

    /// Takes the place of one who left.
    func join(_ number: UInt64, _ continuation: Continuation, wantsAnew: Bool) -> Bool {
      asker.withLock { asker in
        guard case .left = asker else { return false }
        asker = .waits(number: number, continuation, wantsAnew: wantsAnew)
        return true
      }
    }
  }

  private struct State: Sendable {
    var lastNumber: UInt64 = 0
    var idleThreads: [Int]
    /// By their numbers, since whoever waits may leave from the middle.
    var waiting = OrderedTable<UInt64, Inquiry>()
    /// By the thread.
    var running: [Inquiry?]
    var isShutDown = false
  }

  private enum Admission {
    case start(thread: Int)
    case wait
    case join
    case refuse(DNSAnswer)
  }

  // A serial queue gets a thread of its own while it has work; a concurrent one would borrow those on which tasks run.
  private let threads: [DispatchQueue]
  private let waitingLimit: Int
  private let state: Mutex<State>

  init(count: Int, waiting: Int) {
    threads = (0..<count).map { DispatchQueue(label: "system-dns-\($0)") }
    waitingLimit = waiting
    // The first threads are taken first, so that there are never more than are needed.
    state = Mutex(State(idleThreads: (0..<count).reversed(), running: Array(repeating: nil, count: count)))
  }

  var waitingCount: Int { state.withLock { $0.waiting.count } }
  var busyCount: Int { state.withLock { state in state.running.count { $0 != nil } } }

  var abandonedCount: Int { state.withLock { state in state.running.count { $0?.isAbandoned == true } } }

  /// What `work` gives, which asks this question, or a temporary failure; where one `wantsAnew`, of no work that began before.
  func perform(_ question: DNSQuestion, wantsAnew: Bool = false, _ work: @escaping Work) async -> DNSAnswer {
    let number = state.withLock { state in
      state.lastNumber += 1
      return state.lastNumber
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { admit(question, wantsAnew, work, number, $0) }
    } onCancel: {
      cancel(number)
    }
  }

  func shutdown() {
    let ended = state.withLock { state in
      state.isShutDown = true
      var ended = state.running.compactMap(\.self)
      while let inquiry = state.waiting.removeFirst() { ended.append(inquiry) }
      return ended
    }
    for inquiry in ended { inquiry.finish(.shutDown) }
  }

  private func admit(
    _ question: DNSQuestion, _ wantsAnew: Bool, _ work: @escaping Work, _ number: UInt64, _ continuation: Continuation
  ) {
    let inquiry = Inquiry(question, work, for: number, continuation)
    let admission: Admission = state.withLock { state in
      // Asked under the lock: whoever cancels after this finds the inquiry.
      if Task.isCancelled { return .refuse(.cancelled) }
      if state.isShutDown { return .refuse(.shutDown) }
      for other in state.running {
        guard let other, other.question == question else { continue }
        if other.join(number, continuation, wantsAnew: wantsAnew) { return .join }
      }
      if let thread = state.idleThreads.popLast() {
        state.running[thread] = inquiry
        return .start(thread: thread)
      }
      guard state.waiting.count < waitingLimit else { return .refuse(.overloaded) }
      state.waiting.append(inquiry, for: number)
      return .wait
    }
    switch admission {
    case .start(let thread): threads[thread].async { self.run(inquiry, on: thread) }
    case .wait, .join: break
    case .refuse(let answer): inquiry.finish(answer)
    }
  }

  private func cancel(_ number: UInt64) {
    let continuation = state.withLock { state -> Continuation? in
      if let inquiry = state.waiting.remove(number) { return inquiry.leave(number) }
      for case let inquiry? in state.running {
        if let continuation = inquiry.leave(number) { return continuation }
      }
      return nil
    }
    continuation?.resume(returning: .cancelled)
  }

  private func run(_ first: Inquiry, on thread: Int) {
    var next: Inquiry? = first
    while let inquiry = next {
      inquiry.ask()
      next = state.withLock { state in
        let next = state.waiting.removeFirst()
        state.running[thread] = next
        if next == nil { state.idleThreads.append(thread) }
        return next
      }
    }
  }
}

extension DNSAnswer {
  fileprivate static let cancelled = DNSAnswer(.temporaryFailure("the question was cancelled"))
  fileprivate static let shutDown = DNSAnswer(.temporaryFailure("the resolver is shut down"))
  fileprivate static let overloaded = DNSAnswer(.temporaryFailure("too many questions wait to be asked"))
}
