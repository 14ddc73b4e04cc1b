import MailModel
import Synchronization

/// Calls when the calendar has reached the instant that it was last set for, as long as it runs. One task sleeps at most, and
/// it is left asleep when the instant moves on by a moment only, as it does with every message.
///
/// So it may call a little early, and does so where the calendar is set back: who is called looks what there is to do, and sets it anew.
final class Alarm: Sendable {
  private struct Setting: Sendable {
    var instant: Timestamp
    var number: Int
  }
  private struct State {
    var setting: Setting?
    var lastNumber = 0
  }
  /// How much too early it may call.
  private static let tolerance = Duration.seconds(1)

  private let state = Mutex(State())
  /// Rings when the setting has changed.
  private let bell = Doorbell()
  private let time: any TimeSource
  private let call: @Sendable () -> Void

  init(by time: any TimeSource, call: @escaping @Sendable () -> Void) { (self.time, self.call) = (time, call) }

  /// Sees to a call once the calendar has reached `instant`.
  func set(_ instant: Timestamp) {
    let isChanged = state.withLock { state in
      if let set = state.setting?.instant, set <= instant, instant - set < Self.tolerance { return false }
      state.lastNumber += 1
      state.setting = Setting(instant: instant, number: state.lastNumber)
      return true
    }
    if isChanged { bell.ring() }
  }

  /// Sleeps and calls until the task is cancelled.
  func run() async {
    while !Task.isCancelled {
      guard let setting = state.withLock({ $0.setting }) else {
        await bell.wait()
        continue
      }
      await withTaskGroup(of: Void.self) { sleep in
        sleep.addTask { await self.sleep(until: setting) }
        await bell.wait()
        sleep.cancelAll()
      }
    }
  }

  private func sleep(until setting: Setting) async {
    guard (try? await time.sleep(until: setting.instant)) != nil else { return }
    let isCurrent = state.withLock { state in
      guard state.setting?.number == setting.number else { return false }
      state.setting = nil
      return true
    }
    guard isCurrent else { return }
    call()
    bell.ring()
  }
}
