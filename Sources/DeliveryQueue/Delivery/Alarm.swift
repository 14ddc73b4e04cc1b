import MailModel
import Synchronization

/// Calls when the calendar has reached the instant that it was last set for. One task sleeps at most, and it is left asleep
/// when the instant moves on by a moment only, as it does with every message.
///
/// So it may call a little early: who is called looks what there is to do, and sets it anew.
final class Alarm: Sendable {
  private struct Setting: Sendable {
    var instant: Timestamp
    var number: Int
    var sleep: Task<Void, Never>?
  }
  private struct State {
    var setting: Setting?
    var lastNumber = 0
    var isOff = false
  }
  /// How much too early it may call.
  private static let tolerance = Duration.seconds(1)

  private let state = Mutex(State())
  private let time: any TimeSource
  private let call: @Sendable () -> Void

  init(by time: any TimeSource, call: @escaping @Sendable () -> Void) { (self.time, self.call) = (time, call) }

  /// Sees to a call once the calendar has reached `instant`.
  func set(_ instant: Timestamp) {
    let late = state.withLock { state -> Task<Void, Never>? in
      guard !state.isOff else { return nil }
      if let set = state.setting?.instant, set <= instant, instant - set < Self.tolerance { return nil }
      let late = state.setting?.sleep
      state.lastNumber += 1
      let number = state.lastNumber
      let sleep = Task { await self.sleep(until: instant, number) }
      state.setting = Setting(instant: instant, number: number, sleep: sleep)
      return late
    }
    late?.cancel()
  }

  /// Never calls again.
  func turnOff() {
    let sleep = state.withLock { state in
      state.isOff = true
      return state.setting.take()?.sleep
    }
    sleep?.cancel()
  }

  private func sleep(until instant: Timestamp, _ number: Int) async {
    guard (try? await time.sleep(until: instant)) != nil else { return }
    let isCurrent = state.withLock { state in
      guard state.setting?.number == number else { return false }
      state.setting = nil
      return true
    }
    if isCurrent { call() }
  }
}
