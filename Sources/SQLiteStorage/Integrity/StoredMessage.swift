import DeliveryQueue
import Foundation
import GRDB
import MailModel

/// What a database holds of one message, read without trust.
struct StoredMessage {
  /// What of a message's content is compared with what was accepted.
  enum Depth: Sendable {
    /// What lies in the database.
    case database
    /// The spool file too, all of it.
    case everything
  }

  let sequence: Int64
  /// The rows that can be read and that fit their tables, by table.
  private(set) var rows: [String: [Row]] = [:]
  /// What is damaged.
  private(set) var faults: [StorageFinding] = []
  /// What its row in `pending` should say, where it says something else.
  private(set) var pendingFault: StorageFinding?
  /// The message's name, if enough of it can be read.
  private(set) var id: QueueID?

  /// Reads a message and says what is wrong with it.
  ///
  /// - Parameter isSalvaged: whether rows may have been lost, so that a figure that is too great tells of one.
  init(
    _ sequence: Int64, tables: [StoredTable], spool: String, depth: Depth, isSalvaged: Bool, on database: Database
  ) throws {
    self.sequence = sequence
    for table in tables { try read(table, on: database) }
    id = name
    try examineHistory(on: database)
    guard isQueued || !open.isEmpty else { return }
    examineRecipients(isSalvaged: isSalvaged)
    examineContent(spool: spool, depth: depth)
    if faults.isEmpty { examinePending() }
  }

  /// Everything that the database holds of a message hangs on these tables.
  static func tables(of database: Database) throws -> [StoredTable] {
    try ["message", "recipient", "content", "pending", "operator_order"].map { try StoredTable($0, of: database) }
  }

  /// The column that says which message a row is of.
  static func key(of table: String) -> String { table == "message" ? "sequence" : "message" }

  /// How people call it: its name, or its key where the name cannot be read.
  var label: String { id?.description ?? "sequence-\(sequence)" }

  /// Recipients that are not final, as far as they can be read.
  var open: [Row] {
    (rows["recipient"] ?? []).filter { RecipientState(number: $0["state"])?.isFinal == false }
  }

  private var isQueued: Bool { rows["pending"]?.isEmpty == false || rows["content"]?.isEmpty == false }
  private var content: Row? { rows["content"]?.first }

  /// The name of its spool file.
  var spoolName: String? { content?["spool"] }

  private var name: QueueID? {
    if let secret: Int64 = rows["message"]?.first?["secret"] {
      return QueueID(sequence: sequence, secret: UInt64(bitPattern: secret))
    }
    // A spool file bears the name of its message.
    return spoolName.flatMap { QueueID($0) }.flatMap { $0.sequence == sequence ? $0 : nil }
  }
}

// MARK: - What is read

extension StoredMessage {
  private mutating func fault(_ kind: StorageFinding.Kind, _ text: String, file: String? = nil) {
    faults.append(StorageFinding(kind, queueID: id, file: file, text: text))
  }

  private mutating func read(_ table: StoredTable, on database: Database) throws {
    do {
      let statement = try database.cachedStatement(
        sql:
          "SELECT * FROM \(table.name) WHERE \(Self.key(of: table.name)) = ? ORDER BY \(table.key.joined(separator: ", "))"
      )
      let found = try Row.fetchAll(statement, arguments: [sequence])
      let fitting = found.filter { table.fits(Array($0.databaseValues)) }
      rows[table.name] = fitting
      if fitting.count < found.count {
        fault(.message, "a row of the table \(table.name) holds what it cannot hold")
      }
    } catch let error as DatabaseError where error.isDamage {
      fault(.database, "a page of the table \(table.name) cannot be read")
    }
  }

  private mutating func examineHistory(on database: Database) throws {
    guard faults.isEmpty else { return name(faults: id) }
    guard let id, rows["message"]?.isEmpty == false else {
      return fault(.message, "the message's own row is not there")
    }
    do {
      let head = try QueueReading.understood { try QueueReading.status(of: id, on: database) }
      if case .failure(let error) = head { fault(.message, error.message) }
      for row in rows["recipient"] ?? [] {
        _ = try RecipientParameters(row: row)
      }
    } catch let error as QueueError where error.code == .damaged {
      fault(.message, error.message)
    }
  }

  /// Faults that were found before the name was.
  private mutating func name(faults id: QueueID?) {
    for index in faults.indices { faults[index].queueID = id }
  }

  private mutating func examineRecipients(isSalvaged: Bool) {
    guard let recipients = rows["recipient"] else { return }
    let places = recipients.map { $0["place"] as Int }
    let counted = rows["pending"]?.first.map { row in
      ["queued", "deferred", "held"].reduce(0) { $0 &+ max(0, min(row[$1] as Int, 1 << 32)) }
    }
    let least = isSalvaged ? open.count : recipients.count
    if places.isEmpty || places != Array(places.indices) || counted ?? 0 > least {
      fault(.message, "the message's recipients are not all there")
    }
  }
}

extension RecipientParameters {
  /// What stands in a whole row of the table `recipient` that fits it.
  init(row: Row) throws { try self.init(notify: row["notify"], originalRecipient: row["orcpt"]) }
}

// MARK: - Content

extension StoredMessage {
  private mutating func examineContent(spool: String, depth: Depth) {
    guard let content else {
      if !open.isEmpty, rows["content"] != nil { fault(.content, "the message's content is not there") }
      return
    }
    guard let size: Int = rows["message"]?.first?["size"] else { return }
    guard size >= 0 else { return fault(.message, "the message's size cannot be understood") }
    let prefix: Data = content["prefix"]
    let body: Data? = content["body"]
    let digest: Data? = content["digest"]
    guard let name: String = content["spool"] else {
      guard let body, prefix.count + body.count == size else {
        return fault(.content, "the message's content has not the size that it should have")
      }
      if let digest, ContentDigest.of(prefix: prefix, body: body) != Array(digest) {
        fault(.content, "the message's content is not what was accepted")
      }
      return
    }
    guard name == id?.description, body == nil else {
      return fault(.message, "the message names a spool file that is not its own")
    }
    guard depth == .everything else { return }
    switch SpoolFile(path: spool + "/" + name, count: size - prefix.count).examine(prefix: prefix, digest: digest) {
    case nil: break
    case .missing: fault(.spoolFileMissing, "the message's spool file is not there", file: "spool/\(name)")
    case .size(let found):
      fault(
        .spoolFileSize, "the message's spool file has \(found) octets, and should have \(size - prefix.count)",
        file: "spool/\(name)")
    case .unreadable(let error):
      fault(.content, "the message's spool file cannot be read: \(error)", file: "spool/\(name)")
    case .changed:
      fault(.content, "the message's spool file is not what was accepted", file: "spool/\(name)")
    }
  }
}

// MARK: - Pending

extension StoredMessage {
  /// A row of `pending`.
  struct Pending {
    var due: Int64
    var size: Int64
    var counts: [RecipientState: Int] = [:]
    var tenant: String?
    var priority: Int64
    var destination: PendingDestination
  }

  /// What `pending` should say of the message, `nil` where nothing.
  var expectedPending: Pending? {
    guard !open.isEmpty, let message = rows["message"]?.first else { return nil }
    let destinations = open.map { ForwardPath($0["path"] as String)?.destination }
    var pending = Pending(
      due: Timestamp.never.milliseconds, size: message["size"], tenant: message["tenant"],
      priority: message["priority"], destination: PendingDestination(destinations))
    for row in open {
      guard let state = RecipientState(number: row["state"]) else { continue }
      pending.counts[state, default: 0] += 1
      if state.isDue { pending.due = min(pending.due, row["next_attempt"] as Int64? ?? 0) }
    }
    return pending
  }

  private mutating func examinePending() {
    let found = rows["pending"]?.first
    let expected = expectedPending
    let text: String? =
      switch (found, expected) {
      case (nil, nil): rows["content"]?.isEmpty == false ? "the message has no recipients left, and content" : nil
      case (nil, .some): "the message has recipients left, and the queue does not know"
      case (.some, nil): "the message has no recipients left, and the queue does not know"
      case (let found?, let expected?):
        expected.isTold(by: found) ? nil : "what the queue knows of the message's recipients is not so"
      }
    let kind: StorageFinding.Kind = found == nil && expected != nil ? .forgotten : .pending
    pendingFault = text.map { StorageFinding(kind, queueID: id, text: $0) }
  }
}

extension StoredMessage.Pending {
  /// The columns of `pending` beside its key, and what stands in each.
  var columns: [(name: String, value: DatabaseValue)] {
    [
      ("due", due.databaseValue), ("size", size.databaseValue), ("queued", (counts[.queued] ?? 0).databaseValue),
      ("deferred", (counts[.deferred] ?? 0).databaseValue), ("held", (counts[.held] ?? 0).databaseValue),
      ("tenant", tenant?.databaseValue ?? .null), ("priority", priority.databaseValue),
      ("destination", destination.column?.databaseValue ?? .null),
    ]
  }

  /// Whether a row says all of this.
  func isTold(by row: Row) -> Bool { columns.allSatisfy { row[$0.name] as DatabaseValue == $0.value } }
}
