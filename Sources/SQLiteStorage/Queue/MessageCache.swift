import DeliveryQueue
import MailModel

/// What is known of messages without asking the database, by ``MailModel/QueueID/sequence``: nothing that the database
/// does not hold as well, and each only until something of its message changes.
///
/// - A fresh message, which nobody has claimed yet, is known as it was enqueued: so most messages are never read.
/// - One that will be claimed soon is read ahead, with others in one reading: so a backlog costs few readings.
/// - A claimed one is known as the claim found it: so its content need not be read, nor, where nobody else may change any of
///   it, what its settlement changes.
struct MessageCache {
  /// Octets of content up to which a message is kept here. A larger one is read where it lies.
  static let contentLimit = 64 << 10
  /// Messages that one reading takes beside those that it is made for.
  static let messagesAhead = 64

  private var fresh: Shelf
  private var ahead: Shelf
  private var claimed: Shelf
  /// What is being read ahead, and has not changed since.
  private var awaited: Set<Int64> = []

  /// - Parameter limit: octets of memory, about: one half for fresh messages, a quarter for each other kind. What does not
  ///   fit is not kept.
  init(limit: Int) {
    (fresh, ahead, claimed) = (Shelf(limit: limit / 2), Shelf(limit: limit / 4), Shelf(limit: limit / 4))
  }

  /// Keeps a message that was queued.
  mutating func insertFresh(_ message: KnownMessage) { fresh.insert(message) }

  /// What is known of a message that is being claimed; taken out, unless another claim of it may follow before this one ends.
  mutating func take(_ grant: ClaimLedger.Grant) -> KnownMessage? {
    let sequence = grant.sequence
    guard let message = fresh[sequence] ?? ahead[sequence] else { return nil }
    if message.isWhole(under: grant) {
      fresh.remove(sequence)
      ahead.remove(sequence)
    }
    return message
  }

  /// Keeps a message as its claim found it.
  mutating func insertClaimed(_ message: KnownMessage) { claimed.insert(message) }

  /// A message as its claim found it.
  func claimed(_ sequence: Int64) -> KnownMessage? { claimed[sequence] }

  /// Something of a message has changed, or it is gone.
  mutating func forget(_ sequence: Int64) {
    fresh.remove(sequence)
    ahead.remove(sequence)
    claimed.remove(sequence)
    awaited.remove(sequence)
  }

  /// Octets of memory in use, about.
  var octets: Int { fresh.octets + ahead.octets + claimed.octets }
}

// MARK: - Reading ahead

extension MessageCache {
  /// Which of the messages to be claimed next are to be read with others: those that are unknown and that there is room
  /// for, however large they are. Afterwards comes ``endReading(_:)``, before the next is begun.
  ///
  /// - Parameter others: what is read anyhow.
  mutating func beginReading(_ next: [Int64], with others: [Int64]) -> [Int64] {
    let room = (ahead.limit - ahead.octets) / KnownMessage.footprint(octets: Self.contentLimit, recipients: 1)
    awaited = Set(others)
    var unknown: [Int64] = []
    for sequence in next where unknown.count < room && fresh[sequence] == nil && ahead[sequence] == nil {
      if awaited.insert(sequence).inserted { unknown.append(sequence) }
    }
    return unknown
  }

  /// Keeps what will be claimed of what was read, but for what has changed since the reading began: what was read may be
  /// older.
  mutating func endReading(_ messages: [KnownMessage]) {
    for message in messages where awaited.contains(message.head.id.sequence) { ahead.insert(message) }
    awaited = []
  }
}

// MARK: - Shelves

extension MessageCache {
  /// Messages within a limit of octets.
  private struct Shelf {
    let limit: Int
    private(set) var octets = 0
    private var messages: [Int64: KnownMessage] = [:]

    init(limit: Int) { self.limit = limit }

    subscript(_ sequence: Int64) -> KnownMessage? { messages[sequence] }

    mutating func insert(_ message: KnownMessage) {
      remove(message.head.id.sequence)
      guard message.footprint <= limit - octets else { return }
      messages[message.head.id.sequence] = message
      octets += message.footprint
    }

    @discardableResult mutating func remove(_ sequence: Int64) -> KnownMessage? {
      guard let message = messages.removeValue(forKey: sequence) else { return nil }
      octets -= message.footprint
      return message
    }
  }
}
