import DeliveryQueue
import Foundation
import GRDB
import Logging
import MailModel

/// What is looked at before a folder is opened, so that no server starts over damage. Changes nothing. Blocks.
enum StartupCheck {
  /// - Throws: ``StorageError`` with code ``StorageError/Code/damaged`` that names what is damaged, or
  ///   ``StorageError/Code/newerSchema``.
  static func run(path: String, limit: Duration, logger: Logger?) throws {
    guard !RepairSwap(in: path).isInterrupted else {
      throw refusal(path, "a repair was interrupted at its last step")
    }
    let file = DatabaseFile(in: path)
    if let absence = try file.absence() {
      let remains = try file.remains()
      guard remains.isEmpty else { throw file.refusal(absence, remains) }
      return
    }
    var examination = FolderExamination(path: path)
    let isWhole = try examination.tolerating { try examine(file.path, limit: limit, &$0) } ?? true
    let report = examination.report
    let harmless = report.findings.allSatisfy { $0.kind == .pending }
    guard harmless else { throw refusal(path, named(report)) }
    if !report.isSound {
      logger?.error(
        "The queue's figures are wrong; a repair of the folder corrects them",
        metadata: [
          "messages": "\(report.findings.count + report.more)", "first": "\(report.findings.first?.text ?? "")",
        ])
    }
    if !isWhole {
      logger?.notice(
        "The folder is too large to be checked whole at a start; StorageMaintenance.check looks at the rest",
        metadata: ["path": "\(path)", "messages": "\(report.messages)", "limit": "\(limit)"])
    }
  }

  private static func examine(_ file: String, limit: Duration, _ examination: inout FolderExamination) throws -> Bool {
    let end = ContinuousClock.now + limit
    let connection = try Connections.unchecked(path: file)
    defer { try? connection.close() }
    let version = try connection.examine { try Schema.checkedVersion(of: $0) }
    if let fault = Schema.fault(of: version) {
      examination.add(faults: [fault])
      return true
    }
    // The table that a start reads whole. Beside it, a start reads the recipients of messages to several destinations, where
    // damage stops only their messages, and looks for those that name a spool file, as is done below.
    _ = try examination.tolerating { _ in
      try connection.examine {
        _ = try Row.fetchOne($0, sql: "SELECT total(message), total(due), total(size) FROM pending")
      }
    }
    let structure = try connection.examine { database in
      limit > .zero ? try StructureCheck.bounded(of: database, by: limit) : (faults: [], isWhole: true)
    }
    examination.add(faults: structure.faults)
    _ = try examination.tolerating { examination in
      try connection.examine { try examination.examineSpoolSizes(of: $0) }
    }
    // Columns of a later version are not there yet.
    guard limit > .zero, version == Schema.version else { return structure.isWhole }
    // Where something is damaged, it is worth the time to say which messages that concerns.
    let isWhole = try examination.examineMessages(
      of: connection, depth: .database, until: examination.report.isSound ? end : nil)
    return isWhole && structure.isWhole
  }

  private static func named(_ report: StorageReport) -> String {
    func distinct(_ names: [String]) -> [String] {
      var seen: Set<String> = []
      return names.filter { seen.insert($0).inserted }
    }
    let files = distinct(report.findings.map { $0.file ?? FolderResources.databaseName })
    let messages = distinct(report.findings.compactMap { $0.queueID?.description })
    var text = "damaged: \(files.named)"
    if !messages.isEmpty { text += "; messages: \(messages.named)" }
    if report.more > 0 { text += " (and \(report.more) findings more)" }
    if let first = report.findings.first { text += "; first: \(first.text)" }
    return text
  }

  private static func refusal(_ path: String, _ what: String) -> StorageError {
    StorageError(.damaged, "the folder \(path) is not opened over damage: \(what). \(StorageError.remedy(path))")
  }
}
