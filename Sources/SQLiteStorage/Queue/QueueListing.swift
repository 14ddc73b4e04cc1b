import DeliveryQueue
import GRDB
import MailModel

/// What is read of many messages, to be looked at: a slice at a time.
enum QueueListing {
  /// Messages looked at in one reading at most, whether selected or not.
  static let span = 2000
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
    try database.rows("SELECT sequence, secret FROM message WHERE sequence = ?", of: sequence, QueueID.init).first
      ?? nil
  }

  /// The messages of a stretch of keys that have selected recipients.
  private static func selected(
    _ search: QueueSearch, after: Int64, through: Int64, limit: Int, on database: Database
  ) throws -> [QueueID] {
    // A name that cannot be understood is passed over.
    try database.rows(
      """
      SELECT sequence, secret FROM \(search.source)
      WHERE \(search.key) > :after AND \(search.key) <= :through
        AND typeof(secret) = 'integer' AND \(search.messageCondition)
        AND EXISTS (SELECT 1 FROM recipient WHERE recipient.message = sequence AND \(search.recipientCondition))
      ORDER BY \(search.key) LIMIT :limit
      """, search.arguments(["after": after, "through": through, "limit": limit]), QueueID.init
    ).compactMap { $0 }
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
    // What is left of a path without its local part: the `@` and what follows, or the whole of what has no `@`. Only a
    // quoted local part holds an `@` itself, and to look for the last one takes longer.
    let group =
      switch grouping {
      case .tenant: "message.tenant"
      case .destination:
        """
        substr(path, max(1, CASE WHEN substr(path, 1, 1) = '"' THEN length(rtrim(path, replace(path, '@', '')))
          ELSE instr(path, '@') END))
        """
      }
    let counts = try database.rows(
      """
      SELECT \(group), state, count(*) FROM \(search.source) CROSS JOIN recipient ON recipient.message = sequence
      WHERE \(search.key) > :after AND \(search.key) <= :through
        AND \(search.messageCondition) AND \(search.recipientCondition)
      GROUP BY 1, 2
      """, search.arguments(["after": sequence, "through": last])
    ) { Count($0, by: grouping) }
    return Slice(found: counts.compactMap { $0 }, last: last)
  }

  /// Counts the recipients of a stretch of messages.
  static func recipientCounts(after sequence: Int64, on database: Database) throws -> Slice<Count> {
    let last = try lastKey(QueueSearch(.everything), after: sequence, on: database)
    guard let last else { return Slice(found: [], last: nil) }
    let counts = try database.rows(
      "SELECT NULL, state, count(*) FROM recipient WHERE message > ? AND message <= ? GROUP BY state", [sequence, last]
    ) { Count($0, by: .tenant) }
    return Slice(found: counts.compactMap { $0 }, last: last)
  }

  static func summary(on database: Database) throws -> QueueSummary {
    let summaries = try database.rows(
      """
      SELECT count(*), total(size), total(queued), total(deferred), total(held),
        (SELECT accepted_at FROM message WHERE sequence = (SELECT min(message) FROM pending))
      FROM pending
      """
    ) { row in
      let states: [RecipientState: Int] = try [.queued: row.total(2), .deferred: row.total(3), .held: row.total(4)]
      return QueueSummary(
        messages: try row.integer(0), octets: try row.total(1), recipients: states.filter { $0.value > 0 },
        oldest: try row.optionalInteger(5).map(Timestamp.init(milliseconds:)))
    }
    return summaries.first ?? QueueSummary()
  }
}

extension QueueListing.Count {
  /// `nil` for what cannot be understood.
  fileprivate init?(_ row: Columns, by grouping: QueueGrouping) {
    guard let number = try? row.integer(1), let state = RecipientState(number: number), let count = try? row.integer(2),
      case .success(let group) = Result(catching: { try row.optionalText(0) })
    else { return nil }
    (self.state, self.count) = (state, count)
    switch grouping {
    case .tenant: name = group
    case .destination:
      guard let rest = group, let path = ForwardPath(rest.hasPrefix("@") ? "x\(rest)" : rest) else { return nil }
      name = path.destination?.description
    }
  }
}
