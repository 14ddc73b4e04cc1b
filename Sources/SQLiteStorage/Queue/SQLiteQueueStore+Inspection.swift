public import DeliveryQueue
public import MailModel

extension SQLiteQueueStore: QueueInspection {
  var inspector: QueueInspector { QueueInspector(resources.inspector) }

  /// What is known of a message.
  public func status(of id: QueueID) async throws -> MessageStatus? { try await inspector.status(of: id) }

  /// Messages in the order of their queue IDs.
  public func messages(_ selection: QueueSelection, after id: QueueID?, limit: Int) async throws -> [MessageStatus] {
    try await inspector.messages(selection, after: id, limit: limit)
  }

  /// Recipients by tenant or destination, the greatest groups first.
  public func counts(
    _ selection: QueueSelection, by grouping: QueueGrouping, limit: Int
  ) async throws -> [QueueCount] {
    try await inspector.counts(selection, by: grouping, limit: limit)
  }

  /// How many recipients stand in each state; looks at every one.
  public func recipientCounts() async throws -> [RecipientState: Int] { try await inspector.recipientCounts() }

  /// What is not final yet.
  public func summary() async throws -> QueueSummary { try await inspector.summary() }
}
