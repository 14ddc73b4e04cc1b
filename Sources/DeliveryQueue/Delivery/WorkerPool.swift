import Synchronization

/// How many of a service's workers are busy, and whether more may be set to work.
///
/// A worker is free once its delivery has ended: that the outcome is recorded is waited for without it, so that a store may
/// take its time to record many at once.
final class WorkerPool: Sendable {
  /// Outcomes at most, for each worker, that wait to be recorded.
  private static let outcomesPerWorker = 8

  private struct State {
    var busy = 0
    /// Outcomes that wait to be recorded.
    var settling = 0
    /// Workers whose settlement the store has not taken yet.
    var unsettled = 0
    /// Ends of deliveries that no claim has reported yet. Each was begun after the claim that reported those before, so there are
    /// no more than workers.
    var ended: [DeliveryEnd] = []
    /// Whether something that is due waits for the end of a delivery.
    var awaitsEnd = false
    var isStopping = false
    var isDeadlineOver = false
  }
  private let state = Mutex(State())
  private let size: Int
  /// Outcomes at most that wait to be recorded; with more, no worker is free.
  private let outcomes: Int
  /// Rings whenever there may be something to do.
  let bell = Doorbell()

  init(size: Int, outcomes: Int) {
    self.size = max(1, size)
    let (most, overflow) = self.size.multipliedReportingOverflow(by: Self.outcomesPerWorker)
    self.outcomes = min(max(1, outcomes), overflow ? .max : most)
  }

  /// Workers that may start. None while the store fails to take a settlement: what was delivered then would be
  /// delivered again after a restart.
  var free: Int {
    state.withLock { state in
      guard state.unsettled == 0, state.settling < outcomes else { return 0 }
      return max(0, size - state.busy)
    }
  }
  /// What the next claim is to report.
  var ended: [DeliveryEnd] { state.withLock { $0.ended } }
  /// Whether anything is attempted or to be recorded.
  var isBusy: Bool { state.withLock { $0.busy + $0.settling > 0 } }
  var isStopping: Bool { state.withLock { $0.isStopping } }
  var isDeadlineOver: Bool { state.withLock { $0.isDeadlineOver } }

  /// A claim was answered.
  ///
  /// - Parameters:
  ///   - count: how many of ``ended`` it reported, the first of them.
  ///   - awaitsEnd: whether something that is due waits for the end of a delivery.
  /// - Returns: whether such an end has come since, so that another claim may give something at once.
  func answered(reporting count: Int, awaitsEnd: Bool) -> Bool {
    state.withLock { state in
      state.ended.removeFirst(min(count, state.ended.count))
      state.awaitsEnd = awaitsEnd
      return awaitsEnd && !state.ended.isEmpty
    }
  }

  /// A worker takes a claim.
  func begin() { state.withLock { $0.busy += 1 } }

  /// A worker is done with its delivery; the outcome is to be recorded.
  ///
  /// - Parameter end: what others may wait for.
  func beginSettling(_ end: DeliveryEnd) {
    change { state in
      let isAwaited = state.busy == size || state.awaitsEnd
      state.busy -= 1
      state.settling += 1
      state.ended.append(end)
      // Else there was a free worker before, who found nothing to do, and this end changes nothing.
      return isAwaited
    }
  }

  /// The outcome is recorded.
  ///
  /// - Parameter leavesWork: whether something is due after it that was not before.
  func end(leavesWork: Bool) {
    change { state in
      state.settling -= 1
      return leavesWork || state.settling == outcomes - 1
    }
  }

  func beginTrouble() { state.withLock { $0.unsettled += 1 } }

  func endTrouble() {
    change { state in
      state.unsettled -= 1
      return true
    }
  }

  func stop() {
    change { state in
      state.isStopping = true
      return true
    }
  }

  func endDeadline() {
    change { state in
      state.isDeadlineOver = true
      return true
    }
  }

  /// - Parameter body: says whether somebody may have something to do now. Who stops looks at everything.
  private func change(_ body: (inout State) -> Bool) {
    let matters = state.withLock { state in
      let matters = body(&state)
      return matters || state.isStopping
    }
    if matters { bell.ring() }
  }
}
