import Synchronization

/// A task that ``Simulation/start(_:_:)`` has started.
public final class SimulatedTask: Sendable {
  private enum Fate: Sendable {
    case running
    case finished((any Error)?)
  }
  /// Its name, for messages.
  public let name: String
  private let task = Mutex<Task<Void, Never>?>(nil)
  private let fate = Mutex(Fate.running)

  init(name: String) { self.name = name }

  func begin(_ task: Task<Void, Never>) { self.task.withLock { $0 = task } }

  func finish(_ error: (any Error)?) { fate.withLock { $0 = .finished(error) } }

  /// Cancels it.
  public func cancel() { task.withLock { $0 }?.cancel() }

  /// Whether it has returned or thrown.
  public var isFinished: Bool {
    if case .finished = fate.withLock({ $0 }) { true } else { false }
  }

  /// What it threw.
  public var error: (any Error)? {
    if case .finished(let error) = fate.withLock({ $0 }) { error } else { nil }
  }
}

/// Something that is to happen in a simulation.
public struct SimulatedEvent: Sendable {
  let simulation: Simulation
  let number: Int

  /// Has it not happen. Without effect once it has.
  public func cancel() { simulation.cancelEvent(number) }
}
