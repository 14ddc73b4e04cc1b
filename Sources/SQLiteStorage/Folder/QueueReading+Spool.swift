import DeliveryQueue
import GRDB
import MailModel

extension QueueReading {
  /// Whether a message names the spool file of its queue ID. A file that none names was left by a crash before its commit, or
  /// behind the one that ended its message; it may go where all rows that could name it were read.
  ///
  /// - Throws: where a row cannot be read, or a queued message of that name has no content.
  static func mayName(_ id: QueueID, on database: Database) throws -> Bool {
    let content = try database.rows("SELECT spool, body IS NOT NULL FROM content WHERE message = ?", of: id.sequence) {
      (name: try $0.optionalText(0), hasBody: try $0.integer(1) == 1)
    }.first
    if content?.name == id.description { return true }
    guard content?.hasBody != true else { return false }
    let isQueued = try database.rows(
      "SELECT secret FROM message JOIN pending ON message = sequence WHERE sequence = ?", of: id.sequence
    ) { UInt64(bitPattern: try $0.int64(0)) == id.secret }
    guard !isQueued.contains(true) else {
      throw StorageError(.damaged, "the row that should name the spool file of the queued message \(id) does not")
    }
    return false
  }
}
