import MailDNS
import MailModel
import Synchronization

/// A clock that stands still until a test moves it. Nothing sleeps by it.
final class TestClock: Clock {
  struct Instant: InstantProtocol {
    var elapsed: Duration
    func advanced(by duration: Duration) -> Instant { Instant(elapsed: elapsed + duration) }
    func duration(to other: Instant) -> Duration { other.elapsed - elapsed }
    static func < (left: Instant, right: Instant) -> Bool { left.elapsed < right.elapsed }
  }
  private let elapsed = Mutex(Duration.seconds(1_000_000))

  var now: Instant { Instant(elapsed: elapsed.withLock { $0 }) }
  var minimumResolution: Duration { .zero }
  func sleep(until deadline: Instant, tolerance: Duration?) async throws { throw CancellationError() }
  func advance(by duration: Duration) { elapsed.withLock { $0 += duration } }
}

/// A resolver whose every call waits for an answer of its own, also when it is cancelled.
final class StepwiseResolver: DNSResolver {
  private struct State: Sendable {
    var calls = 0
    var answers: [Int: DNSAnswer] = [:]
  }
  private let state = Mutex(State())

  var calls: Int { state.withLock { $0.calls } }

  /// Answers the call of that number, from 1.
  func answer(call: Int, _ answer: DNSAnswer) { state.withLock { $0.answers[call] = answer } }

  func resolve(_ question: DNSQuestion) async -> DNSAnswer {
    let call = state.withLock { state in
      state.calls += 1
      return state.calls
    }
    while true {
      if let answer = state.withLock({ $0.answers[call] }) { return answer }
      await Task.yield()
    }
  }
}

/// Returns when a condition holds.
func until(_ condition: () -> Bool) async {
  while !condition() { await Task.yield() }
}

func name(_ text: String) throws -> DNSName {
  struct NoName: Error { var text: String }
  guard let name = DNSName(text) else { throw NoName(text: text) }
  return name
}

func question(_ text: String = "example.com", _ type: DNSRecordType = .txt) throws -> DNSQuestion {
  DNSQuestion(try name(text), type)
}

extension DNSAnswer {
  var isTemporaryFailure: Bool { if case .temporaryFailure = outcome { true } else { false } }

  static func text(_ text: String, _ timeToLive: Duration = .seconds(300)) -> DNSAnswer {
    DNSAnswer(.records([.text(DNSText(text))]), timeToLive: timeToLive)
  }
}

/// Whether a failure was seen.
final class CachedFailure: Sendable {
  private let state = Mutex(false)
  var isSet: Bool { state.withLock { $0 } }
  func set() { state.withLock { $0 = true } }
}
