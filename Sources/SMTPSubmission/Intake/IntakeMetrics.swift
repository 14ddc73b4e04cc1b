import MailModel
import Metrics

/// What the intake measures. All handles are made at once, so that a message costs none.
struct IntakeMetrics: Sendable {
  /// Messages that ended in one way, and the octets of content that they brought.
  private struct Tally {
    private let messages: Counter
    private let octets: Counter

    init(_ outcome: String, _ factory: any MetricsFactory) {
      let dimensions = [("outcome", outcome)]
      messages = Counter(label: "submission.intake.messages", dimensions: dimensions, factory: factory)
      octets = Counter(label: "submission.intake.octets", dimensions: dimensions, factory: factory)
    }

    func count(octets count: Int) {
      messages.increment()
      octets.increment(by: count)
    }
  }

  private let accepted: Tally
  private let deferred: Tally
  private let refused: Tally
  private let aborted: Tally
  private let latency: Timer

  init(_ factory: any MetricsFactory) {
    accepted = Tally("accepted", factory)
    deferred = Tally("deferred", factory)
    refused = Tally("refused", factory)
    aborted = Tally("aborted", factory)
    latency = Timer(label: "submission.intake.latency", factory: factory)
  }

  /// The content was complete, and answered after so long.
  func answered(_ reply: SMTPReply, octets: Int, after duration: Duration) {
    if reply.isPositive { latency.record(duration: duration) }
    tally(of: reply).count(octets: octets)
  }

  /// The message ended without an answer to its content.
  func aborted(octets: Int) { aborted.count(octets: octets) }

  private func tally(of reply: SMTPReply) -> Tally {
    if reply.isPositive { return accepted }
    return reply.isTransient ? deferred : refused
  }
}
