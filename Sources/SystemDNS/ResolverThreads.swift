import Dispatch
import MailDNS
import Synchronization

/// Threads on which lookups block: so many at once, and so many that wait in line, first come first served.
final class ResolverThreads: Sendable {
  /// Blocks; learns by its argument whether anybody still waits for what it returns.
  typealias Work = @Sendable (_ isWanted: () -> Bool) -> DNSAnswer

  /// Somebody who waits. He gets one answer, the first that comes.
  private final class Inquiry: Sendable {
    let number: UInt64
    let work: Work
    private let continuation: Mutex<CheckedContinuation<DNSAnswer, Never>?>

    init(_ number: UInt64, _ work: @escaping Work, _ continuation: CheckedContinuation<DNSAnswer, Never>) {
      (self.number, self.work) = (number, work)
      self.continuation = Mutex(continuation)
    }

    var isWanted: Bool { continuation.withLock { $0 != nil } }

    func finish(_ answer: DNSAnswer) { continuation.withLock { $0.take() }?.resume(returning: answer) }
  }

  private struct State: Sendable {
    var lastNumber: UInt64 = 0
    var idleThreads: [Int]
    /// By their numbers, since whoever waits may leave from the middle.
    var waiting = OrderedTable<UInt64, Inquiry>()
    /// By the thread.
    var running: [Int: Inquiry] = [:]
    var isShutDown = false
  }

  private enum Admission {
    case start(thread: Int)
    case wait
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
    state = Mutex(State(idleThreads: (0..<count).reversed()))
  }

  var waitingCount: Int { state.withLock { $0.waiting.count } }
  var busyCount: Int { state.withLock { $0.running.count } }

  /// What `work` gives, or a temporary failure.
  func perform(_ work: @escaping Work) async -> DNSAnswer {
    let number = state.withLock { state in
      state.lastNumber += 1
      return state.lastNumber
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { admit(Inquiry(number, work, $0)) }
    } onCancel: {
      cancel(number)
    }
  }

  func shutdown() {
    let ended = state.withLock { state in
      state.isShutDown = true
      var ended = Array(state.running.values)
      while let inquiry = state.waiting.removeFirst() { ended.append(inquiry) }
      return ended
    }
    for inquiry in ended { inquiry.finish(.shutDown) }
  }

  private func admit(_ inquiry: Inquiry) {
    let admission: Admission = state.withLock { state in
      // Asked under the lock: whoever cancels after this finds the inquiry.
      if Task.isCancelled { return .refuse(.cancelled) }
      if state.isShutDown { return .refuse(.shutDown) }
      if let thread = state.idleThreads.popLast() {
        state.running[thread] = inquiry
        return .start(thread: thread)
      }
      guard state.waiting.count < waitingLimit else { return .refuse(.overloaded) }
      state.waiting.append(inquiry, for: inquiry.number)
      return .wait
    }
    switch admission {
    case .start(let thread): threads[thread].async { self.run(inquiry, on: thread) }
    case .wait: break
    case .refuse(let answer): inquiry.finish(answer)
    }
  }

  private func cancel(_ number: UInt64) {
    let inquiry = state.withLock { state -> Inquiry? in
      state.waiting.remove(number) ?? state.running.values.first { $0.number == number }
    }
    inquiry?.finish(.cancelled)
  }

  private func run(_ first: Inquiry, on thread: Int) {
    var next: Inquiry? = first
    while let inquiry = next {
      if inquiry.isWanted { inquiry.finish(inquiry.work { inquiry.isWanted }) }
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
