import MailModel
import Synchronization

/// How many of a service's workers are busy, and whether more may be set to work.
///
/// A worker is free once its attempt has ended: that the outcome is recorded is waited for without it, so that a store may
/// take its time to record many at once.
final class WorkerPool: Sendable {
  /// Outcomes at most, for each worker, that wait to be recorded; with more, no worker is free.
  static let outcomesPerWorker = 8

  private struct State {
    var busy = 0
    /// Outcomes that wait to be recorded.
    var settling = 0
    /// Workers whose settlement the store has not taken yet.
    var unsettled = 0
    var isStopping = false
    var isDeadlineOver = false
    /// Until when the claims hold that nobody else may have.
    var leases: [Claim.Token: Timestamp] = [:]
  }
  private let state = Mutex(State())
  private let size: Int
  /// Rings whenever there may be something to do.
  let bell = Doorbell()

  init(size: Int) { self.size = max(1, size) }

  /// Workers that may start. None while the store fails to take a settlement: what was delivered then would be
  /// delivered again after a restart.
  var free: Int {
    state.withLock { state in
      guard state.unsettled == 0, state.settling < size * Self.outcomesPerWorker else { return 0 }
      return max(0, size - state.busy)
    }
  }
  /// Whether anything is attempted or to be recorded.
  var isBusy: Bool { state.withLock { $0.busy + $0.settling > 0 } }
  var isStopping: Bool { state.withLock { $0.isStopping } }
  var isDeadlineOver: Bool { state.withLock { $0.isDeadlineOver } }

  /// A worker takes a claim.
  func begin(_ token: Claim.Token, leasedUntil: Timestamp) {
    state.withLock { state in
      state.busy += 1
      state.leases[token] = leasedUntil
    }
  }

  /// A worker is done with its attempt; the outcome is to be recorded.
  func beginSettling() {
    change { state in
      state.busy -= 1
      state.settling += 1
    }
  }

  /// The outcome is recorded.
  ///
  /// - Parameters:
  ///   - keeps: whether the claim is held on to, since what came of it can never be recorded.
  ///   - leavesWork: whether something is due after it that was not before.
  func end(_ token: Claim.Token, keeps: Bool, leavesWork: Bool) {
    let mayMatter = state.withLock { state in
      state.settling -= 1
      if !keeps { state.leases[token] = nil }
      return leavesWork || state.isStopping || state.settling == size * Self.outcomesPerWorker - 1
    }
    if mayMatter { bell.ring() }
  }

  func beginTrouble() { state.withLock { $0.unsettled += 1 } }
  func endTrouble() { change { $0.unsettled -= 1 } }
  func stop() { change { $0.isStopping = true } }
  func endDeadline() { change { $0.isDeadlineOver = true } }

  /// The claims whose leases end before `instant`.
  func claims(leasedUntilBefore instant: Timestamp) -> [Claim.Token] {
    state.withLock { $0.leases.filter { $0.value < instant }.map(\.key) }
  }

  /// Of these claims, those in `held` hold until `leasedUntil`; the others are lost.
  func extend(_ tokens: [Claim.Token], held: [Claim.Token], until leasedUntil: Timestamp) {
    let held = Set(held)
    state.withLock { state in
      for token in tokens where state.leases[token] != nil {
        state.leases[token] = held.contains(token) ? leasedUntil : nil
      }
    }
  }

  private func change(_ body: (inout State) -> Void) {
    state.withLock { body(&$0) }
    bell.ring()
  }
}
