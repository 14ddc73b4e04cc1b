import DeliveryQueue
import GRDB
import MailModel

/// A selection in SQL. Its conditions hold on rows of the tables by their own names, with ``arguments``.
struct QueueSearch: Sendable {
  /// Below every message's key.
  static let start: Int64 = -1

  let selection: QueueSelection
  /// Where messages are selected by their names: those, ascending.
  let ids: [QueueID]?

  init(_ selection: QueueSelection) {
    self.selection = selection
    ids = selection.ids?.sorted()
  }

  /// Whether only recipients that are not final are meant, so that history need not be looked at.
  private var isOpen: Bool { selection.states?.allSatisfy { !$0.isFinal } ?? false }

  /// The table that has a row for every message that may be meant.
  var table: String { isOpen ? "pending" : "message" }

  /// Its key.
  var key: String { isOpen ? "pending.message" : "message.sequence" }

  /// That table, with `message` beside it, in the order in which they are to be read.
  var source: String { isOpen ? "pending CROSS JOIN message ON sequence = pending.message" : "message" }

  /// On a row of ``source``: a message of which recipients may be selected.
  var messageCondition: String {
    let tenant = "(:tenant IS NULL OR message.tenant = :tenant)"
    guard isOpen, let states = selection.states, !states.isEmpty else { return tenant }
    let counts = states.map { "pending.\($0.rawValue)" }.sorted()
    return "\(tenant) AND \(counts.joined(separator: " + ")) > 0"
  }

  /// On a row of `recipient`: selected, as far as its message is.
  ///
  /// A path ends with its destination as that is written in one way only, and no destination holds an `@`.
  var recipientCondition: String {
    let destination = "(:destination IS NULL OR substr(path, -length(:destination)) = :destination)"
    guard let states = selection.states else { return destination }
    let numbers = states.map { String($0.number) }.sorted()
    return "state IN (\(numbers.joined(separator: ", "))) AND \(destination)"
  }

  /// What the conditions are about, beside arguments of the statement's own.
  func arguments(_ own: [String: (any DatabaseValueConvertible)?]) -> StatementArguments {
    let conditions: [String: (any DatabaseValueConvertible)?] = [
      "tenant": selection.tenant, "destination": selection.destination.map { "@\($0)" },
    ]
    return StatementArguments(conditions.merging(own) { $1 })
  }
}
