public import Logging
import MailModel
public import Metrics
public import ServiceLifecycle

/// Measures a queue: asks it for its summary every now and then, and tells the metrics how deep it is and how old.
///
/// A look costs what ``QueueInspection/summary()`` costs and disturbs nobody. Where the queue cannot be read, the gauges
/// stay as they were, and the log tells so once, and once again when it is over.
public final class QueueMonitor: Service {
  private let queue: any QueueInspection
  private let interval: Duration
  private let time: any TimeSource
  private let gauges: QueueGauges
  private let logger: Logger

  /// A monitor that measures once ``run()`` is called.
  ///
  /// - Parameters:
  ///   - queue: what is measured.
  ///   - interval: between the end of one look and the next; a second at least, 15 seconds by default.
  ///   - time: the system's clock unless a test brings its own.
  ///   - logger: hears when the queue cannot be read.
  ///   - metrics: where the gauges are; by default what the process has bootstrapped by now.
  public init(
    queue: any QueueInspection, every interval: Duration = .seconds(15), time: any TimeSource = SystemTime(),
    logger: Logger, metrics: any MetricsFactory = MetricsSystem.factory
  ) {
    (self.queue, self.interval, self.time) = (queue, max(interval, .seconds(1)), time)
    (self.gauges, self.logger) = (QueueGauges(metrics), logger)
  }

  /// Measures until a graceful shutdown or until the task is cancelled.
  public func run() async throws {
    await cancelWhenGracefulShutdown { await self.watch() }
  }

  private func watch() async {
    var isInTrouble = false
    repeat {
      do {
        gauges.show(try await queue.summary(), at: time.now())
        if isInTrouble { logger.notice("The queue can be measured again") }
        isInTrouble = false
      } catch {
        guard !Task.isCancelled else { return }
        if !isInTrouble {
          logger.error("The queue cannot be measured", metadata: ["error": AddressDisplay.masked.logged(error)])
        }
        isInTrouble = true
      }
    } while (try? await time.sleep(for: interval)) != nil
  }
}

/// The figures of a ``QueueSummary``, to be seen from outside.
private struct QueueGauges: Sendable {
  private static let states: [RecipientState] = [.queued, .deferred, .held]

  private let recipients: [(state: RecipientState, meter: Meter)]
  private let messages: Meter
  private let octets: Meter
  private let oldestAge: Meter

  init(_ factory: any MetricsFactory) {
    recipients = Self.states.map { state in
      let dimensions = [("state", state.rawValue)]
      return (state, Meter(label: "submission.queue.recipients", dimensions: dimensions, factory: factory))
    }
    messages = Meter(label: "submission.queue.messages", factory: factory)
    octets = Meter(label: "submission.queue.octets", factory: factory)
    oldestAge = Meter(label: "submission.queue.oldest.age", factory: factory)
  }

  func show(_ summary: QueueSummary, at now: Timestamp) {
    for (state, meter) in recipients { meter.set(summary.recipients[state] ?? 0) }
    messages.set(summary.messages)
    octets.set(summary.octets)
    let age = summary.oldest.map { max(now - $0, .zero) } ?? .zero
    oldestAge.set(Double(age.wholeMilliseconds) / 1000)
  }
}
