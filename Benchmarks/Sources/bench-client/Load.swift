import Foundation
import MailModel
import NIOCore
import SMTPProtocol
import Synchronization

/// What all sessions are to send together, and what came of it.
final class Load: Sendable {
  private struct State {
    var next = 0
    var begin: NIODeadline?
    var results = Results()
    var failures = 0
  }

  /// One message of a load.
  struct Turn {
    /// From 0 on.
    var number: Int
    /// When it is to be sent; `nil` for as soon as can be.
    var due: NIODeadline?
  }

  let transaction: ClientTransaction
  let message: Message
  let messages: Int
  let messagesPerSession: Int
  /// Between a message and the next; `nil` for as fast as can be.
  let interval: TimeAmount?
  /// Where the messages come to in the end, if that is looked at.
  let arrivals: Arrivals?
  private let state = Mutex(State())

  init(
    messages: Int, messagesPerSession: Int, of transaction: ClientTransaction, message: Message,
    interval: TimeAmount? = nil, arrivals: Arrivals? = nil
  ) {
    (self.messages, self.messagesPerSession) = (messages, messagesPerSession)
    (self.transaction, self.message) = (transaction, message)
    (self.interval, self.arrivals) = (interval, arrivals)
  }

  var results: Results { state.withLock { $0.results } }

  /// Nothing is left to send, or so much has failed that there is no point in it.
  var isOver: Bool { state.withLock { isOver($0) } }

  private func isOver(_ state: State) -> Bool { state.next >= messages || state.failures >= 100 }

  /// Takes one message off the heap, if one is left.
  func take() -> Turn? {
    state.withLock { state in
      guard !isOver(state) else { return nil }
      defer { state.next += 1 }
      guard let interval else { return Turn(number: state.next) }
      let begin = state.begin ?? .now()
      state.begin = begin
      return Turn(number: state.next, due: begin + interval * state.next)
    }
  }

  /// A message was taken.
  ///
  /// - Parameters:
  ///   - reply: from the end of the content to its reply.
  ///   - transaction: from MAIL to that reply.
  func delivered(reply: TimeAmount, transaction: TimeAmount) {
    state.withLock { state in
      state.results.replies.append(reply)
      state.results.transactions.append(transaction)
    }
  }

  func failed(_ reason: String) {
    state.withLock { state in
      state.failures += 1
      state.results.failures[reason, default: 0] += 1
    }
  }

  func sessionEnded() { state.withLock { $0.results.sessions += 1 } }
}

/// What came of a load. Every time is kept, so that the percentiles are exact.
struct Results: Sendable {
  /// From the end of the content to its reply, one for each message that was taken.
  var replies: [TimeAmount] = []
  /// From MAIL to that reply.
  var transactions: [TimeAmount] = []
  /// Sessions that said goodbye.
  var sessions = 0
  /// Messages that were refused and sessions that broke, by reason.
  var failures: [String: Int] = [:]
  /// From when a message was to be sent until it was where it is to be in the end.
  var arrivals: [TimeAmount] = []
  /// From the first of these to the last.
  var span: TimeAmount?

  /// Name and value, one a line, for people and for `awk`.
  func report(over duration: Duration) -> String {
    let seconds = duration / .seconds(1)
    var lines = [
      ("messages", "\(replies.count)"), ("failures", "\(failures.values.reduce(0, +))"),
      ("seconds", decimal(seconds)), ("messages/s", decimal(Double(replies.count) / seconds)),
      ("sessions/s", decimal(Double(sessions) / seconds)),
    ]
    lines += percentiles(of: replies, named: "reply") + percentiles(of: transactions, named: "transaction")
    lines += percentiles(of: arrivals, named: "arrival")
    if let span { lines.append(("arrivals/s", decimal(Double(arrivals.count) / Double(span.nanoseconds) * 1e9))) }
    lines += failures.sorted { $0.value > $1.value }.map { ("failure", "\($0.value) × \($0.key)") }
    return lines.map { $0.0.padding(toLength: 22, withPad: " ", startingAt: 0) + $0.1 }.joined(separator: "\n")
  }

  /// In milliseconds, by the nearest rank: so many percent of the times are as long as this or shorter.
  private func percentiles(of times: [TimeAmount], named name: String) -> [(String, String)] {
    guard !times.isEmpty else { return [] }
    let sorted = times.sorted()
    return [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)].map { percentile, part in
      let rank = Int((Double(sorted.count) * part).rounded(.up))
      return ("\(name)-\(percentile)-ms", decimal(Double(sorted[max(1, rank) - 1].nanoseconds) / 1e6))
    }
  }

  private func decimal(_ value: Double) -> String {
    let thousandths = Int((value * 1_000).rounded())
    let fraction = "\(1_000 + thousandths % 1_000)".dropFirst()
    return "\(thousandths / 1_000).\(fraction)"
  }
}
