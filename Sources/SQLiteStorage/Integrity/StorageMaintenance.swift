import DeliveryQueue
import Dispatch
import Foundation
import GRDB
public import Logging
public import MailModel

/// Checks and repairs the folder of a ``StorageFolder``.
public enum StorageMaintenance {
  /// Reads everything in a folder, every page and every body, and changes nothing. A server may hold the folder
  /// meanwhile, and goes on; but while all pages are looked at, in one reading, its log cannot be copied and grows by what
  /// it writes in that time. Then files that no message names are not told, since messages that are being received have
  /// some.
  ///
  /// - Throws: ``StorageError`` where there is nothing to check: with code ``StorageError/Code/notFound``,
  ///   ``StorageError/Code/newerSchema`` or ``StorageError/Code/olderSchema``.
  public static func check(_ folder: String) async throws -> StorageReport {
    try await DispatchQueue.global().perform {
      do {
        return try checkNow(folder)
      } catch {
        throw StorageError.opening(error, at: folder)
      }
    }
  }

  /// Sets aside what cannot be read, without touching the rest, in the folder `set-aside` within the folder.
  ///
  /// - A damaged message leaves the queue. Its rows, as JSON, and what is left of its content lie in `set-aside` under its
  ///   name; its recipients that were not final are ``DeliveryQueue/RecipientState/removed``, with an order of the operator
  ///   that says what was wrong. Of a message that cannot even be shown any more, nothing stays in the queue.
  /// - A file of the spool that no message names goes there too.
  /// - A database whose pages are damaged is copied into a new one, as far as its rows can be read, and goes there whole.
  ///   For that, the disk must have room for twice the database.
  ///
  /// A kill at any time leaves the folder as it was, or repaired, or to be repaired again.
  ///
  /// - Parameters:
  ///   - folder: held by no other process.
  ///   - operator: who orders it, for the messages' status.
  ///   - now: the time of these orders.
  ///   - logger: hears of each finding.
  /// - Returns: what was found, and what was done.
  /// - Throws: ``StorageError``, with code ``StorageError/Code/locked`` naming the process that holds the folder.
  public static func repair(
    _ folder: String, by operator: String, at now: Timestamp, logger: Logger
  ) async throws -> StorageReport {
    let report = try await DispatchQueue.global().perform {
      do {
        return try repairNow(folder, by: `operator`, at: now)
      } catch {
        throw StorageError.opening(error, at: folder)
      }
    }
    for finding in report.findings { logger.log(finding) }
    return report
  }

  /// - Throws: ``StorageError`` with code ``StorageError/Code/notFound`` where nothing tells of a queue.
  private static func database(in folder: String) throws -> DatabaseFile {
    let file = DatabaseFile(in: folder)
    guard try file.absence() != .missing || !file.remains().isEmpty else {
      throw StorageError(.notFound, "there is no queue in \(folder)")
    }
    return file
  }
}

extension Logger {
  fileprivate func log(_ finding: StorageFinding) {
    warning(
      "Damage was found in the folder",
      metadata: [
        "kind": "\(finding.kind.rawValue)", "queue-id": "\(finding.queueID?.description ?? "-")",
        "file": "\(finding.file ?? "-")", "what": "\(finding.text)", "action": "\(finding.action ?? "none")",
      ])
  }
}

// MARK: - Check

extension StorageMaintenance {
  private static func checkNow(_ folder: String) throws -> StorageReport {
    let file = try database(in: folder)
    var examination = FolderExamination(path: folder)
    guard !RepairSwap(in: folder).isInterrupted else {
      examination.add(StorageFinding(.repair, text: "a repair was interrupted at its last step; repair again"))
      return examination.report
    }
    if let absence = try file.absence() {
      examination.add(faults: [file.text(absence)])
      for body in try file.remains().bodies { examination.add(.orphan(body)) }
      return examination.report
    }
    _ = try examination.tolerating { examination in
      let connection = try Connections.unchecked(path: file.path)
      defer { try? connection.close() }
      let version = try connection.examine { try Schema.checkedVersion(of: $0) }
      if let fault = Schema.fault(of: version) { return examination.add(faults: [fault]) }
      try requireCurrent(version, folder)
      examination.add(faults: try connection.examine { try StructureCheck.whole(of: $0) })
      _ = try examination.examineMessages(of: connection, depth: .everything)
      try examination.examineTenants(of: connection)
      if try !FolderLock.isHeld(folder + "/" + FolderResources.lockName) {
        for name in try examination.orphans(of: connection) { examination.add(.orphan(name)) }
      }
    }
    return examination.report
  }

  private static func requireCurrent(_ version: Int, _ folder: String) throws {
    guard version == Schema.version else {
      throw StorageError(
        .olderSchema,
        "an older version made the queue in \(folder); opening the folder once, as a server does, brings it up")
    }
  }
}

// MARK: - Repair

extension StorageMaintenance {
  private static func repairNow(_ folder: String, by operator: String, at now: Timestamp) throws -> StorageReport {
    let file = try database(in: folder)
    let lock = try FolderLock(path: folder + "/" + FolderResources.lockName)
    defer { lock.release() }
    var examination = FolderExamination(path: folder)
    let swap = RepairSwap(in: folder)
    if swap.isInterrupted {
      let place = try swap.finish(at: now)
      examination.add(
        StorageFinding(
          .repair, text: "a repair was interrupted at its last step",
          action: "the new database is in its place, and the damaged one in \(place)"))
    }
    try swap.discard()
    let absence = try file.absence()
    let faults = try absence.map { [file.text($0)] } ?? structuralFaults(file.path)
    guard faults.isEmpty else {
      let action =
        absence == nil
        ? "what can be read was copied into a new database; the old one is set aside"
        : "a new one is in its place; what was left of the old one is set aside"
      for fault in faults {
        examination.add(StorageFinding(.database, file: FolderResources.databaseName, text: fault, action: action))
      }
      try rebuild(folder, &examination, by: `operator`, at: now)
      return examination.report
    }
    let connection = try Connections.writer(path: file.path)
    defer { try? connection.close() }
    try connection.writeWithoutTransaction { database in
      try Schema.migrate(database)
      try Connections.emptyLog(of: database)
    }
    try mend(connection, isSalvaged: false, &examination, by: `operator`, at: now)
    return examination.report
  }

  /// What is wrong with the pages.
  private static func structuralFaults(_ file: String) throws -> [String] {
    do {
      let connection = try Connections.unchecked(path: file)
      defer { try? connection.close() }
      return try connection.examine { database in
        if let fault = Schema.fault(of: try Schema.checkedVersion(of: database)) { return [fault] }
        return try StructureCheck.whole(of: database)
      }
    } catch let error as DatabaseError where error.isDamage {
      return ["\(error)".oneLine]
    }
  }

  /// Makes a new database of what can be read of the old one.
  private static func rebuild(
    _ folder: String, _ examination: inout FolderExamination, by operator: String, at now: Timestamp
  ) throws {
    let swap = RepairSwap(in: folder)
    try swap.begin()
    let new = try Connections.writer(path: swap.newDatabase)
    try new.writeWithoutTransaction { try Schema.migrate($0) }
    var salvage = try Salvage(copy: swap.workingCopy, into: new)
    try salvage.run()
    try mend(new, isSalvaged: true, &examination, by: `operator`, at: now)
    let left = try new.read { try StructureCheck.whole(of: $0) }
    guard left.isEmpty else {
      throw StorageError(.damaged, "the new database is not sound, and the old one was left: \(left[0])")
    }
    try new.writeWithoutTransaction { try Connections.emptyLog(of: $0) }
    try new.close()
    try swap.complete()
    _ = try swap.finish(at: now)
  }

  /// Mends what a sound database holds.
  private static func mend(
    _ connection: DatabaseQueue, isSalvaged: Bool, _ examination: inout FolderExamination, by operator: String,
    at now: Timestamp
  ) throws {
    let repair = QueueRepair(
      database: connection, setAside: try SetAside(in: examination.path), operator: `operator`, now: now)
    _ = try examination.examineMessages(
      of: connection, depth: .everything, isSalvaged: isSalvaged, repair: repair.repair)
    for finding in try repair.setOrphansAside(try examination.orphans(of: connection)) { examination.add(finding) }
    try examination.repairTenants(of: connection)
  }
}
