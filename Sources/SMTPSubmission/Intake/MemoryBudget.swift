import Synchronization

/// Counts the octets that all messages on their way in hold together.
final class MemoryBudget: Sendable {
  private let limit: Int
  private let used = Mutex(0)

  init(limit: Int) { self.limit = limit }

  /// Takes `count` octets; `false`, and nothing taken, where they are not left.
  func take(_ count: Int) -> Bool {
    used.withLock { used in
      guard count <= limit - used else { return false }
      used += count
      return true
    }
  }

  /// Gives `count` octets back.
  func give(_ count: Int) { used.withLock { $0 -= count } }
}
