import MailModel
import NIOCore
import SMTPProtocol
import Synchronization

/// What all sessions are to send together, and what came of it.
final class Load: Sendable {
  private struct State {
    var messagesLeft: Int
    var results = Results()
    var failures = 0

    var isOver: Bool { messagesLeft == 0 || failures >= 100 }
  }

  let transaction: ClientTransaction
  let content: [UInt8]
  let messagesPerSession: Int
  private let state: Mutex<State>

  init(messages: Int, messagesPerSession: Int, of transaction: ClientTransaction, content: [UInt8]) {
    (self.messagesPerSession, self.transaction, self.content) = (messagesPerSession, transaction, content)
    state = Mutex(State(messagesLeft: messages))
  }

  var results: Results { state.withLock { $0.results } }

  /// Nothing is left to send, or so much has failed that there is no point in it.
  var isOver: Bool { state.withLock { $0.isOver } }

  /// Takes one message off the heap, if one is left.
  func take() -> Bool {
    state.withLock { state in
      guard !state.isOver else { return false }
      state.messagesLeft -= 1
      return true
    }
  }

  func delivered(in duration: TimeAmount) { state.withLock { $0.results.latencies.append(duration) } }

  func failed(_ reason: String) {
    state.withLock { state in
      state.failures += 1
      state.results.failures[reason, default: 0] += 1
    }
  }

  func sessionEnded() { state.withLock { $0.results.sessions += 1 } }
}

/// What came of a load.
struct Results: Sendable {
  /// From MAIL to the reply to the end of the content, one for each message that was taken.
  var latencies: [TimeAmount] = []
  /// Sessions that said goodbye.
  var sessions = 0
  /// Messages that were refused and sessions that broke, by reason.
  var failures: [String: Int] = [:]

  /// Name and value, one a line, for people and for `awk`.
  func report(over duration: Duration) -> String {
    let seconds = duration / .seconds(1)
    let sorted = latencies.sorted()
    var lines = [
      ("messages", "\(latencies.count)"), ("failures", "\(failures.values.reduce(0, +))"),
      ("seconds", decimal(seconds)), ("messages/s", decimal(Double(latencies.count) / seconds)),
      ("sessions/s", decimal(Double(sessions) / seconds)),
    ]
    for (name, part) in [("p50-ms", 0.5), ("p99-ms", 0.99), ("p99.9-ms", 0.999)] where !sorted.isEmpty {
      let rank = Int((Double(sorted.count) * part).rounded(.up)) - 1
      lines.append((name, decimal(Double(sorted[max(0, rank)].nanoseconds) / 1e6)))
    }
    lines += failures.sorted { $0.value > $1.value }.map { ("failure", "\($0.value) × \($0.key)") }
    return lines.map { $0.0 + String(repeating: " ", count: 12 - $0.0.count) + $0.1 }.joined(separator: "\n")
  }

  private func decimal(_ value: Double) -> String {
    let thousandths = Int((value * 1_000).rounded())
    let fraction = "\(1_000 + thousandths % 1_000)".dropFirst()
    return "\(thousandths / 1_000).\(fraction)"
  }
}
