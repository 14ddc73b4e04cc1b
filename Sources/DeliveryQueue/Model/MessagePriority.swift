/// Which of a tenant's messages go first. Between tenants it means nothing, so that nobody gains by it at another's expense.
public enum MessagePriority: Int, Hashable, Sendable, Comparable, CaseIterable {
  /// Somebody waits for it.
  case urgent = 0
  /// Like most.
  case normal = 1
  /// It can wait for all the others: newsletters and the like.
  case bulk = 2

  /// What goes first before what goes later.
  public static func < (left: MessagePriority, right: MessagePriority) -> Bool { left.rawValue < right.rawValue }
}
