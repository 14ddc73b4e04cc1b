import MailModel

/// Recipients counted so far, by group.
package struct QueueTally: Sendable {
  private var groups: [String?: [RecipientState: Int]] = [:]

  package init() {}

  /// Counts so many more.
  package mutating func add(_ count: Int = 1, in state: RecipientState, to name: String?) {
    groups[name, default: [:]][state, default: 0] += count
  }

  /// Counts the recipients of a message that are meant.
  package mutating func add(_ message: MessageStatus, _ selection: QueueSelection, by grouping: QueueGrouping) {
    guard selection.contains(message.id, tenant: message.tenant) else { return }
    for recipient in message.recipients where selection.contains(recipient) {
      switch grouping {
      case .tenant: add(in: recipient.state, to: message.tenant)
      case .destination: add(in: recipient.state, to: recipient.path.destination?.description)
      }
    }
  }

  /// The greatest groups first, then by name; so many at most.
  package func greatest(_ limit: Int) -> [QueueCount] {
    let counts = groups.map {
      (total: $0.value.values.reduce(0, +), count: QueueCount(name: $0.key, recipients: $0.value))
    }
    let sorted = counts.sorted { ($1.total, $0.count.name ?? "") < ($0.total, $1.count.name ?? "") }
    return sorted.prefix(max(0, limit)).map(\.count)
  }
}
