import DeliveryQueue

/// Which calls fail, which one is the last, and how many there were: the state of a ``FaultyStore``.
struct FaultPlan<Operation: Hashable & Sendable>: Sendable {
  struct Fault: Sendable {
    /// `nil` for any.
    var operation: Operation?
    /// The first call of the operation has the number 0.
    var calls: Range<Int>
    var error: QueueError
    var isAfterwards: Bool
  }

  struct Death: Sendable {
    /// By the number of all calls.
    var call: Int
    var isAfterwards: Bool
  }

  enum Life: Sendable {
    case alive
    /// The call at which the process dies is under way; later ones fail already.
    case dying
    case dead
  }

  /// What becomes of one call.
  struct Fate: Sendable {
    /// What it throws; `nil` where nothing was asked for.
    var error: QueueError?
    /// Whether the store behind is asked first.
    var isAfterwards = false
    /// Whether it is the one at which the process dies.
    var isDeath = false
  }

  private static var deathError: QueueError { QueueError(.closed, "the process is dead") }

  private var calls: [Operation: Int] = [:]
  private(set) var ended: [Operation: Int] = [:]
  var faults: [Fault] = []
  var death: Death?
  var life = Life.alive

  /// How many calls have begun, of one kind or of all.
  func calls(of operation: Operation?) -> Int {
    operation.map { calls[$0, default: 0] } ?? calls.values.reduce(0, +)
  }

  mutating func begin(_ operation: Operation) -> Fate {
    let (call, number) = (calls(of: operation), calls(of: nil))
    calls[operation] = call + 1
    guard life == .alive else { return Fate(error: Self.deathError) }
    if let death, number >= death.call {
      life = .dying
      return Fate(error: Self.deathError, isAfterwards: death.isAfterwards, isDeath: true)
    }
    let fault = faults.first { fault in
      if let only = fault.operation {
        only == operation && fault.calls.contains(call)
      } else {
        fault.calls.contains(number)
      }
    }
    return Fate(error: fault?.error, isAfterwards: fault?.isAfterwards ?? false)
  }

  mutating func end(_ operation: Operation, _ fate: Fate) {
    ended[operation, default: 0] += 1
    if fate.isDeath, life == .dying { life = .dead }
  }

  /// What a call throws whose answer comes when the process has died at another one.
  var deathOfOthers: QueueError? { life == .alive ? nil : Self.deathError }
}
