import MailModel
import Synchronization

/// Holds on to the claims of the attempts that are under way: extends each at half of its lease, again and again. Cancels an
/// attempt whose claim is lost, or that takes too long.
final class LeaseKeeper: Sendable {
  private struct Holding {
    var extendAt: Timestamp
    /// When the attempt has lasted too long; `nil` once it was told so.
    var overdueAt: Timestamp?
    /// `nil` for a claim that is only held on to.
    var attempt: Attempt?

    var next: Timestamp { min(extendAt, overdueAt ?? extendAt) }
  }

  private let holdings = Mutex<[Claim.Token: Holding]>([:])
  private let store: any QueueStore
  private let time: any TimeSource
  private let configuration: DeliveryConfiguration
  private let log: DeliveryLog
  private let bell: Doorbell
  private let alarm: Alarm

  init(store: any QueueStore, time: any TimeSource, configuration: DeliveryConfiguration, log: DeliveryLog) {
    (self.store, self.time, self.configuration, self.log) = (store, time, configuration, log)
    let bell = Doorbell()
    self.bell = bell
    alarm = Alarm(by: time) { bell.ring() }
  }

  /// Keeps the claim of an attempt that begins, and which was claimed at `now`.
  func begin(_ attempt: Attempt, for token: Claim.Token, at now: Timestamp) {
    let holding = Holding(
      extendAt: now + configuration.lease / 2, overdueAt: now + configuration.attemptLimit, attempt: attempt)
    let isFirst = holdings.withLock { holdings in
      holdings[token] = holding
      return holdings.count == 1
    }
    // Later ones are due later.
    if isFirst { alarm.set(holding.next) }
  }

  /// The attempt has ended, and what came of it is recorded.
  ///
  /// - Parameter keeps: whether the claim is held on to, since what came of it can never be recorded.
  func end(_ token: Claim.Token, keeps: Bool) {
    holdings.withLock { holdings in
      guard keeps else { return holdings[token] = nil }
      holdings[token]?.attempt = nil
      holdings[token]?.overdueAt = nil
    }
  }

  /// Does its work until the task is cancelled.
  func run() async {
    while true {
      await bell.wait()
      guard !Task.isCancelled else { return alarm.turnOff() }
      let now = time.now()
      cancelOverdue(at: now)
      do {
        try await extend(at: now)
      } catch {
        // Each is told, and tried again after a pause.
      }
      setAlarm()
    }
  }

  /// Extends the claims of which half of the lease is over.
  ///
  /// To be called before more is claimed, too: the calendar can be set forward beyond the leases' ends, and then what is still
  /// being delivered would be claimed, and delivered, a second time.
  ///
  /// - Throws: where the store cannot extend them.
  func extend(at now: Timestamp) async throws {
    let tokens = holdings.withLock { $0.filter { $0.value.extendAt <= now }.map(\.key) }
    guard !tokens.isEmpty else { return }
    do {
      let held = Set(try await store.extend(tokens, until: now + configuration.lease))
      postpone(tokens.filter(held.contains), to: now + configuration.lease / 2)
      for attempt in drop(tokens.filter { !held.contains($0) }) { attempt.loseClaim() }
    } catch {
      for attempt in postpone(tokens, to: now + configuration.pauseAfterFailure) {
        log.extendFailed(error, of: attempt.id)
      }
      throw error
    }
  }

  /// - Returns: the attempts whose claims are to be extended then.
  @discardableResult
  private func postpone(_ tokens: [Claim.Token], to next: Timestamp) -> [Attempt] {
    holdings.withLock { holdings in
      tokens.compactMap { token in
        holdings[token]?.extendAt = next
        return holdings[token]?.attempt
      }
    }
  }

  /// - Returns: the attempts whose claims are no longer kept.
  private func drop(_ tokens: [Claim.Token]) -> [Attempt] {
    holdings.withLock { holdings in tokens.compactMap { holdings.removeValue(forKey: $0)?.attempt } }
  }

  private func cancelOverdue(at now: Timestamp) {
    let overdue = holdings.withLock { holdings in
      let tokens = holdings.filter { $0.value.overdueAt.map { $0 <= now } ?? false }.keys
      return tokens.compactMap { token in
        holdings[token]?.overdueAt = nil
        return holdings[token]?.attempt
      }
    }
    for attempt in overdue {
      log.attemptOverdue(of: attempt.id)
      attempt.cancel()
    }
  }

  private func setAlarm() {
    if let next = holdings.withLock({ $0.values.lazy.map(\.next).min() }) { alarm.set(next) }
  }
}
