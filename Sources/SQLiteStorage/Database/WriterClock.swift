import Dispatch

/// By what a ``Writer`` lets changes wait.
package struct WriterClock: Sendable {
  /// Since some fixed instant; never goes back.
  package var now: @Sendable () -> Duration
  /// Calls back once that instant is reached, on a thread of its own choice.
  package var wake: @Sendable (_ at: Duration, _ body: @escaping @Sendable () -> Void) -> Void

  package init(
    now: @escaping @Sendable () -> Duration,
    wake: @escaping @Sendable (_ at: Duration, _ body: @escaping @Sendable () -> Void) -> Void
  ) {
    (self.now, self.wake) = (now, wake)
  }

  /// The machine's.
  package static let system = WriterClock {
    .nanoseconds(DispatchTime.now().uptimeNanoseconds)
  } wake: { instant, body in
    // Strict, since others would be called when it suits the system.
    let timer = DispatchSource.makeTimerSource(flags: .strict)
    timer.schedule(deadline: DispatchTime(uptimeNanoseconds: instant.nanoseconds), leeway: .nanoseconds(0))
    timer.setEventHandler {
      timer.cancel()
      body()
    }
    timer.activate()
  }
}

extension Duration {
  fileprivate var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    return UInt64(clamping: seconds) * 1_000_000_000 + UInt64(clamping: attoseconds / 1_000_000_000)
  }
}
