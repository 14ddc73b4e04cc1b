import DeliveryQueue
import GRDB
import MailModel

/// What is read of many messages at once, to be looked at.
enum QueueListing {
  /// So many messages that can be understood. One that cannot is passed over, so that the rest can be listed.
  static func messages(
    _ selection: QueueSelection, after id: QueueID?, limit: Int, on database: Database
  ) throws -> [MessageStatus] {
    // A key is used once, so the secret half decides nothing but for an ID that was never given.
    let pending = selection.isOpen ? "AND sequence IN (SELECT message FROM pending)" : ""
    let statement = try database.cachedStatement(
      sql: """
        SELECT \(QueueReading.Head.columns) FROM message
        WHERE sequence > ? AND (?2 IS NULL OR tenant = ?2) \(pending) ORDER BY sequence
        """)
    let rows = try Row.fetchCursor(statement, arguments: [id?.sequence ?? -1, selection.tenant])
    var messages: [MessageStatus] = []
    while messages.count < limit, let row = try rows.next() {
      let read = try QueueReading.understood { try QueueReading.status(QueueReading.Head(row), on: database) }
      if case .success(let message) = read, selection.contains(message) { messages.append(message) }
    }
    return messages
  }

  static func recipientCounts(on database: Database) throws -> [RecipientState: Int] {
    let rows = try Row.fetchAll(database, sql: "SELECT state, count(*) FROM recipient GROUP BY state")
    return try rows.reduce(into: [:]) { counts, row in counts[try QueueReading.state(row[0])] = row[1] }
  }

  static func summary(on database: Database) throws -> QueueSummary {
    let row = try Row.fetchOne(
      database,
      sql: """
        SELECT count(*), total(size), total(queued), total(deferred), total(held),
          (SELECT accepted_at FROM message WHERE sequence = (SELECT min(message) FROM pending))
        FROM pending
        """)
    guard let row else { return QueueSummary() }
    func count(_ column: Int) -> Int { Int(row[column] as Double) }
    let states: [RecipientState: Int] = [.queued: count(2), .deferred: count(3), .held: count(4)]
    let oldest: Int64? = row[5]
    return QueueSummary(
      messages: row[0], octets: count(1), recipients: states.filter { $0.value > 0 },
      oldest: oldest.map(Timestamp.init(milliseconds:)))
  }
}

extension QueueSelection {
  /// Whether only recipients that are not final are meant.
  fileprivate var isOpen: Bool { states?.allSatisfy { !$0.isFinal } ?? false }
}

// MARK: - Counting

extension QueueListing {
  static func counts(
    _ selection: QueueSelection, by grouping: QueueGrouping, limit: Int, on database: Database
  ) throws -> [QueueCount] {
    var groups: [String?: QueueCount] = [:]
    var last: QueueID?
    while case let page = try messages(selection, after: last, limit: 1000, on: database), !page.isEmpty {
      for message in page {
        for recipient in message.recipients where selection.contains(recipient) {
          let name =
            switch grouping {
            case .tenant: message.tenant
            case .destination: recipient.path.destination?.description
            }
          groups[name, default: QueueCount(name: name, recipients: [:])].recipients[recipient.state, default: 0] += 1
        }
      }
      last = page.last?.id
    }
    let sorted = groups.values.sorted { ($1.total, $0.name ?? "") < ($0.total, $1.name ?? "") }
    return Array(sorted.prefix(max(0, limit)))
  }
}
