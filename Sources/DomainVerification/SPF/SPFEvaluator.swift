public import MailDNS
public import MailModel
import Synchronization

/// Evaluates SPF records (RFC 7208): may this address send in the name of this domain?
public struct SPFEvaluator: Sendable {
  let resolver: any DNSResolver
  let limits: SPFLimits
  private let clock: any Clock<Duration>
  private let receiver: DomainName?

  /// An evaluator that asks `resolver`, which is a caching one where many messages are checked.
  ///
  /// `receiver` is who checks: explanations may name it (macro `r`); `nil` makes it `unknown`.
  public init(
    resolver: any DNSResolver, limits: SPFLimits = .init(), clock: any Clock<Duration> = ContinuousClock(),
    receiver: DomainName? = nil
  ) {
    (self.resolver, self.limits, self.clock, self.receiver) = (resolver, limits, clock, receiver)
  }

  /// `check_host()` (RFC 7208 §4).
  ///
  /// `now` is what explanations may name (macro `t`); `nil` makes it `unknown`. It returns within the time of the limits, as long
  /// as the resolver keeps the promise of ``MailDNS/DNSResolver/resolve(_:)`` to return when its task is cancelled; and with a
  /// `temperror` when it is cancelled itself.
  public func evaluate(_ request: SPFRequest, at now: Timestamp? = nil) async -> SPFEvaluation {
    let check = { @Sendable [resolver, limits, receiver] in
      SPFCheck(request, resolver: resolver, limits: limits, receiver: receiver, now: now)
    }
    let evaluation = await withinDuration {
      var check = check()
      return await check.run()
    }
    return evaluation ?? check().interrupted
  }

  /// Runs `work`, and cancels it when its time is over; what it returns then counts. `nil` never comes, as `work` always ends.
  ///
  /// What is answered from a cache never waits. So the work begins at once, and the clock is set only where it did not end at once:
  /// a timer costs more than such an evaluation.
  func withinDuration<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) async -> Value? {
    await withTaskGroup(of: Value?.self) { group in
      let isDone = Flag()
      group.addTaskAtOnce {
        let value = await work()
        isDone.set()
        return value
      }
      if !isDone.isSet {
        group.addTask { [clock, duration = limits.duration] in
          try? await clock.sleep(for: duration)
          return nil
        }
      }
      var value: Value?
      for await ended in group {
        value = value ?? ended
        group.cancelAll()
      }
      return value
    }
  }
}

/// A flag that another task sets.
private final class Flag: Sendable {
  private let value = Atomic(false)
  var isSet: Bool { value.load(ordering: .acquiring) }
  func set() { value.store(true, ordering: .releasing) }
}

extension TaskGroup {
  /// Adds a task that runs on this thread until it waits for the first time, where the system can do that.
  fileprivate mutating func addTaskAtOnce(_ operation: @escaping @Sendable () async -> ChildTaskResult) {
    if #available(macOS 26, iOS 26, tvOS 26, watchOS 26, visionOS 26, *) {
      addImmediateTask { await operation() }
    } else {
      addTask { await operation() }
    }
  }
}
