import DeliveryQueue
import GRDB
import MailModel

/// What is read of many messages, to be looked at: a slice at a time.
enum QueueListing {
  /// Messages looked at in one reading at most, whether selected or not.
  static let span = 1000
  /// Messages shown in one reading at most.
  private static let page = 100

  /// What one reading found.
  struct Slice<Found: Sendable>: Sendable {
    var found: [Found]
    /// The key behind which to go on; `nil` at the end.
    var last: Int64?
  }

  /// So many messages at most that can be understood.
  static func messages(
    _ search: QueueSearch, after sequence: Int64, limit: Int, on database: Database
  ) throws -> Slice<MessageStatus> {
    let ids = try ids(search, after: sequence, limit: min(limit, page), on: database)
    let messages = try ids.found.compactMap { id -> MessageStatus? in
      // One that cannot be understood is passed over, so that the rest can be listed.
      let read = try QueueReading.understood { try QueueReading.status(of: id, on: database) }
      guard case .success(let message?) = read, search.selection.contains(message) else { return nil }
      return message
    }
    return Slice(found: messages, last: ids.last)
  }

  /// The names of so many messages at most that have selected recipients.
  static func ids(
    _ search: QueueSearch, after sequence: Int64, limit: Int = .max, on database: Database
  ) throws -> Slice<QueueID> {
    guard let ids = search.ids else {
      guard let last = try lastKey(search, after: sequence, on: database) else { return Slice(found: [], last: nil) }
      let found = try selected(search, after: sequence, through: last, limit: limit, on: database)
      return Slice(found: found, last: found.count == limit ? found.last?.sequence : last)
    }
    let next = ids[ids.firstIndex(behind: sequence)...].prefix(min(limit, page))
    let found = try next.filter { id in
      try selected(search, after: id.sequence - 1, through: id.sequence, limit: 1, on: database) == [id]
    }
    return Slice(found: Array(found), last: next.last?.sequence)
  }

  /// The whole name of a message.
  static func id(of sequence: Int64, on database: Database) throws -> QueueID? {
    let statement = try database.cachedStatement(sql: "SELECT sequence, secret FROM message WHERE sequence = ?")
    return try Row.fetchOne(statement, arguments: [sequence]).flatMap(QueueID.init)
  }

  /// The messages of a stretch of keys that have selected recipients.
  private static func selected(
    _ search: QueueSearch, after: Int64, through: Int64, limit: Int, on database: Database
  ) throws -> [QueueID] {
    let statement = try database.cachedStatement(
      sql: """
        SELECT sequence, secret FROM \(search.source)
        WHERE \(search.key) > :after AND \(search.key) <= :through
          AND \(search.messageCondition)
          AND EXISTS (SELECT 1 FROM recipient WHERE recipient.message = sequence AND \(search.recipientCondition))
        ORDER BY \(search.key) LIMIT :limit
        """)
    let arguments = search.arguments(["after": after, "through": through, "limit": limit])
    return try Row.fetchAll(statement, arguments: arguments).compactMap(QueueID.init)
  }

  /// The last key of what one reading looks at; `nil` at the end.
  private static func lastKey(_ search: QueueSearch, after sequence: Int64, on database: Database) throws -> Int64? {
    let statement = try database.cachedStatement(
      sql: """
        SELECT max(key) FROM (
          SELECT \(search.key) AS key FROM \(search.table) WHERE key > ? ORDER BY key LIMIT \(span))
        """)
    return try Int64.fetchOne(statement, arguments: [sequence])
  }
}

extension QueueID {
  /// The row's first two columns.
  fileprivate init?(_ row: Row) {
    let secret: Int64 = row[1]
    self.init(sequence: row[0], secret: UInt64(bitPattern: secret))
  }
}

extension [QueueID] {
  /// In ascending IDs, where the first one stands whose key is above `sequence`.
  fileprivate func firstIndex(behind sequence: Int64) -> Int {
    var range = startIndex..<endIndex
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      range = self[middle].sequence <= sequence ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return range.lowerBound
  }
}

// MARK: - Counting

extension QueueListing {
  /// Recipients in one state.
  struct Count: Sendable {
    /// Their group's; `nil` for those without one.
    var name: String?
    var state: RecipientState
    var count: Int
  }

  /// Counts selected recipients of a stretch of messages.
  static func counts(
    _ search: QueueSearch, by grouping: QueueGrouping, after sequence: Int64, on database: Database
  ) throws -> Slice<Count> {
    guard let last = try lastKey(search, after: sequence, on: database) else { return Slice(found: [], last: nil) }
    // What is left of a path without its local part: the last `@` and what follows, or the whole of what has no `@`.
    let group =
      switch grouping {
      case .tenant: "tenant"
      case .destination: "substr(path, max(1, length(rtrim(path, replace(path, '@', '')))))"
      }
    let statement = try database.cachedStatement(
      sql: """
        SELECT \(group), state, count(*) FROM \(search.source) CROSS JOIN recipient ON recipient.message = sequence
        WHERE \(search.key) > :after AND \(search.key) <= :through
          AND \(search.messageCondition) AND \(search.recipientCondition)
        GROUP BY 1, 2
        """)
    let rows = try Row.fetchAll(statement, arguments: search.arguments(["after": sequence, "through": last]))
    return Slice(found: rows.compactMap { Count($0, by: grouping) }, last: last)
  }

  /// Counts the recipients of a stretch of messages.
  static func recipientCounts(after sequence: Int64, on database: Database) throws -> Slice<Count> {
    let last = try lastKey(QueueSearch(.everything), after: sequence, on: database)
    guard let last else { return Slice(found: [], last: nil) }
    let statement = try database.cachedStatement(
      sql: "SELECT NULL, state, count(*) FROM recipient WHERE message > ? AND message <= ? GROUP BY state")
    let rows = try Row.fetchAll(statement, arguments: [sequence, last])
    return Slice(found: rows.compactMap { Count($0, by: .tenant) }, last: last)
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

extension QueueListing.Count {
  /// `nil` for what cannot be understood.
  fileprivate init?(_ row: Row, by grouping: QueueGrouping) {
    guard let state = RecipientState(number: row[1]) else { return nil }
    (self.state, count) = (state, row[2])
    let group: String? = row[0]
    switch grouping {
    case .tenant: name = group
    case .destination:
      guard let rest = group, let path = ForwardPath(rest.hasPrefix("@") ? "x\(rest)" : rest) else { return nil }
      name = path.destination?.description
    }
  }
}
