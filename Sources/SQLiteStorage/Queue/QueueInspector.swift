import DeliveryQueue
import GRDB
import MailModel

/// Looks into the queue through one connection, in short readings: while one lasts, the log cannot be copied behind what
/// it sees, and others who look wait for it.
struct QueueInspector: Sendable {
  private let reader: Reader

  init(_ reader: Reader) { self.reader = reader }

  func status(of id: QueueID) async throws -> MessageStatus? {
    try await reader.read { try QueueReading.status(of: id, on: $0) }
  }

  func messages(_ selection: QueueSelection, after id: QueueID?, limit: Int) async throws -> [MessageStatus] {
    let search = QueueSearch(selection)
    var messages: [MessageStatus] = []
    // A key is used once, so the secret half decides nothing but for an ID that was never given.
    var last = id?.sequence ?? QueueSearch.start
    while messages.count < limit {
      let (after, missing) = (last, limit - messages.count)
      let slice = try await read { try QueueListing.messages(search, after: after, limit: missing, on: $0) }
      messages += slice.found
      guard let next = slice.last else { break }
      last = next
    }
    return messages
  }

  func counts(_ selection: QueueSelection, by grouping: QueueGrouping, limit: Int) async throws -> [QueueCount] {
    var tally = QueueTally()
    if selection.ids == nil {
      try await slices {
        try QueueListing.counts(QueueSearch(selection), by: grouping, after: $0, on: $1)
      } each: {
        tally.add($0.count, in: $0.state, to: $0.name)
      }
    } else {
      for message in try await messages(selection, after: nil, limit: .max) {
        tally.add(message, selection, by: grouping)
      }
    }
    return tally.greatest(limit)
  }

  func recipientCounts() async throws -> [RecipientState: Int] {
    var counts: [RecipientState: Int] = [:]
    try await slices {
      try QueueListing.recipientCounts(after: $0, on: $1)
    } each: {
      counts[$0.state, default: 0] += $0.count
    }
    return counts
  }

  func summary() async throws -> QueueSummary { try await reader.read { try QueueListing.summary(on: $0) } }

  /// The keys of the messages that have selected recipients, ascending.
  func sequences(_ selection: QueueSelection) async throws -> [Int64] {
    let search = QueueSearch(selection)
    var sequences: [Int64] = []
    try await slices {
      try QueueListing.ids(search, after: $0, on: $1)
    } each: {
      sequences.append($0.sequence)
    }
    return sequences
  }

  /// The whole names of messages, ascending; of those that are there.
  func ids(of sequences: [Int64]) async throws -> [QueueID] {
    var ids: [QueueID] = []
    for start in stride(from: 0, to: sequences.count, by: QueueListing.span) {
      let part = Array(sequences[start..<min(sequences.count, start + QueueListing.span)])
      ids += try await reader.read { database in try part.compactMap { try QueueListing.id(of: $0, on: database) } }
    }
    return ids.sorted()
  }
}

// MARK: - Short readings

extension QueueInspector {
  /// Reads slice by slice, from the oldest message to the youngest.
  private func slices<Found: Sendable>(
    _ read: @escaping @Sendable (Int64, Database) throws -> QueueListing.Slice<Found>, each: (Found) -> Void
  ) async throws {
    var last: Int64? = QueueSearch.start
    while let after = last {
      let slice = try await self.read { try read(after, $0) }
      slice.found.forEach(each)
      last = slice.last
    }
  }

  /// One of many readings, unless nobody waits for it any more.
  private func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
    try Task.checkCancellation()
    return try await reader.read(body)
  }
}
