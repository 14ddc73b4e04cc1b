import MailModel
import Synchronization

/// Holds on to the claims of the attempts that are under way: extends each at half of its lease, again and again. Cancels an
/// attempt whose claim is lost, or that takes too long.
///
/// Leases go by the calendar, which the store knows too; how long an attempt lasts goes by the clock that never steps, so that
/// a calendar set forward cuts nothing off.
final class LeaseKeeper: Sendable {
  private struct Holding {
    var extendAt: Timestamp
    /// The uptime at which the attempt has lasted too long; `nil` once it was told so.
    var overdueAt: Duration?
    /// `nil` for a claim that is only held on to.
    var attempt: Attempt?
  }
  private struct State {
    var holdings: [Claim.Token: Holding] = [:]
    /// When it looks at them next; before that, nothing is to be extended.
    var nextLook = Timestamp(milliseconds: .max)

    /// The same order every time, whatever a dictionary makes of it.
    func tokens(where isMeant: (Holding) -> Bool) -> [Claim.Token] {
      holdings.filter { isMeant($0.value) }.keys.sorted { $0.value < $1.value }
    }
  }

  private let state = Mutex(State())
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
      extendAt: now + configuration.lease / 2, overdueAt: time.uptime() + configuration.attemptLimit, attempt: attempt)
    let look = min(holding.extendAt, now + configuration.attemptLimit)
    let isFirst = state.withLock { state in
      state.holdings[token] = holding
      // Later ones are due later, unless the calendar was set back.
      guard look < state.nextLook else { return false }
      state.nextLook = look
      return true
    }
    if isFirst { alarm.set(look) }
  }

  /// The attempt has ended, and what came of it is recorded.
  ///
  /// - Parameter keeps: whether the claim is held on to, since what came of it can never be recorded.
  func end(_ token: Claim.Token, keeps: Bool) {
    state.withLock { state in
      guard keeps else { return state.holdings[token] = nil }
      state.holdings[token]?.attempt = nil
      state.holdings[token]?.overdueAt = nil
    }
  }

  /// Does its work until the task is cancelled.
  func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.alarm.run() }
      await watch()
      group.cancelAll()
    }
  }

  private func watch() async {
    while true {
      await bell.wait()
      guard !Task.isCancelled else { return }
      cancelOverdue(at: time.uptime())
      do {
        try await extend(at: time.now())
        setAlarm()
      } catch {
        // Each is told. They stay due, so that nothing is claimed before they are extended.
        try? await time.sleep(for: configuration.pauseAfterFailure)
        bell.ring()
      }
    }
  }

  /// Extends the claims of which half of the lease is over.
  ///
  /// To be called before more is claimed, too: the calendar can be set forward beyond the leases' ends, and then what is still
  /// being delivered would be claimed, and delivered, a second time.
  ///
  /// - Throws: where the store cannot extend them.
  func extend(at now: Timestamp) async throws {
    let tokens = state.withLock { state in state.nextLook <= now ? state.tokens { $0.extendAt <= now } : [] }
    guard !tokens.isEmpty else { return }
    do {
      let held = Set(try await store.extend(tokens, until: now + configuration.lease))
      postpone(tokens.filter(held.contains), to: now + configuration.lease / 2)
      for attempt in drop(tokens.filter { !held.contains($0) }) { attempt.loseClaim() }
    } catch {
      let attempts = state.withLock { state in tokens.compactMap { state.holdings[$0]?.attempt } }
      for attempt in attempts { log.extendFailed(error, of: attempt.id) }
      throw error
    }
  }

  private func postpone(_ tokens: [Claim.Token], to next: Timestamp) {
    state.withLock { state in
      for token in tokens { state.holdings[token]?.extendAt = next }
    }
  }

  /// - Returns: the attempts whose claims are no longer kept.
  private func drop(_ tokens: [Claim.Token]) -> [Attempt] {
    state.withLock { state in tokens.compactMap { state.holdings.removeValue(forKey: $0)?.attempt } }
  }

  private func cancelOverdue(at uptime: Duration) {
    let overdue = state.withLock { state in
      state.tokens { $0.overdueAt.map { $0 <= uptime } ?? false }.compactMap { token in
        state.holdings[token]?.overdueAt = nil
        return state.holdings[token]?.attempt
      }
    }
    for attempt in overdue {
      log.attemptOverdue(of: attempt.id)
      attempt.endOverdue()
    }
  }

  private func setAlarm() {
    let (now, uptime) = (time.now(), time.uptime())
    let look = state.withLock { state in
      let looks = state.holdings.values.lazy.map { holding in
        // Rounded up, since the calendar knows no part of a millisecond, and a moment early nothing is overdue.
        min(
          holding.extendAt,
          holding.overdueAt.map { now + ($0 - uptime).roundedUp } ?? .init(milliseconds: .max))
      }
      state.nextLook = looks.min() ?? Timestamp(milliseconds: .max)
      return looks.isEmpty ? nil : state.nextLook
    }
    if let look { alarm.set(look) }
  }
}
