import DeliveryQueue
import MailModel

// How what a sender asks of the whole way stands in the database: RFC words and addresses as they are, NULL for what was not
// said. What is none of that is damage.

extension MessageParameters {
  /// The columns that ``init(_:from:)`` reads.
  static let columns = "body_type, smtputf8, ret, envid, submitter, mt_priority"

  /// What stands in ``columns``, of which the first is the row's column `first`.
  init(_ row: Columns, from first: Int) throws {
    self.init(bodyType: try understood(try row.text(first), BodyType.init(rawValue:)))
    isInternationalized = try understood(try row.optionalInteger(first + 1)) { $0 == 1 ? true : nil } ?? false
    returnedContent = try understood(try row.optionalText(first + 2), ReturnedContent.init(rawValue:))
    envelopeID = try understood(try row.optionalText(first + 3), EnvelopeID.init)
    submitter = try understood(try row.optionalText(first + 4), ReversePath.init)
    priority = try understood(try row.optionalInteger(first + 5)) { Int(exactly: $0).flatMap { TransferPriority($0) } }
  }

  var internationalizedColumn: Int? { isInternationalized ? 1 : nil }

  var priorityColumn: Int? { priority.map { Int($0.level) } }
}

extension RecipientParameters {
  /// The columns that ``init(_:from:)`` reads.
  static let columns = "notify, orcpt"

  /// What stands in ``columns``, of which the first is the row's column `first`.
  init(_ row: Columns, from first: Int) throws {
    try self.init(notify: row.optionalInteger(first), originalRecipient: row.optionalText(first + 1))
  }

  /// What stands in ``columns``.
  init(notify: Int64?, originalRecipient: String?) throws {
    self.init(
      notifications: try understood(notify, Notifications.init(column:)),
      originalRecipient: try understood(originalRecipient, OriginalRecipient.init(column:)))
  }

  /// 0 for NEVER.
  var notifyColumn: Int? { notifications.map { Int($0.rawValue) } }

  var originalRecipientColumn: String? { originalRecipient?.description }
}

extension Notifications {
  fileprivate init?(column: Int64) {
    guard let bits = UInt8(exactly: column) else { return nil }
    self.init(rawValue: bits)
    // Bits without a meaning would be dropped.
    guard rawValue == bits else { return nil }
  }
}

extension OriginalRecipient {
  /// An address type holds no semicolon, so the first one ends it.
  fileprivate init?(column: String) {
    let parts = column.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    self.init(addressType: String(parts[0]), address: String(parts[1]))
  }
}

private func understood<Column, Value>(_ column: Column, _ read: (Column) -> Value?) throws -> Value {
  guard let value = read(column) else {
    throw QueueError(.damaged, "a parameter of a message or recipient in the database cannot be understood")
  }
  return value
}

private func understood<Column, Value>(_ column: Column?, _ read: (Column) -> Value?) throws -> Value? {
  guard let column else { return nil }
  return try understood(column, read) as Value
}
