import MailModel
import Synchronization

/// How many of a service's workers are busy, and whether more may be set to work.
final class WorkerPool: Sendable {
  private struct State {
    var busy = 0
    /// Workers whose settlement the store has not taken yet.
    var unsettled = 0
    var isStopping = false
    var isDeadlineOver = false
  }
  private let state = Mutex(State())
  private let size: Int
  /// Rings whenever there may be something to do.
  let bell = Doorbell()

  init(size: Int) { self.size = max(1, size) }

  /// Workers that may start. None while the store fails to take a settlement: what was delivered then would be
  /// delivered again after a restart.
  var free: Int { state.withLock { $0.unsettled > 0 ? 0 : max(0, size - $0.busy) } }
  var isBusy: Bool { state.withLock { $0.busy > 0 } }
  var isStopping: Bool { state.withLock { $0.isStopping } }
  var isDeadlineOver: Bool { state.withLock { $0.isDeadlineOver } }

  func begin() { state.withLock { $0.busy += 1 } }
  func end() { change { $0.busy -= 1 } }
  func beginTrouble() { state.withLock { $0.unsettled += 1 } }
  func endTrouble() { change { $0.unsettled -= 1 } }
  func stop() { change { $0.isStopping = true } }
  func endDeadline() { change { $0.isDeadlineOver = true } }

  private func change(_ body: (inout State) -> Void) {
    state.withLock { body(&$0) }
    bell.ring()
  }
}
