import ArgumentParser
import DeliveryQueue
import Logging
import MailModel
import SQLiteStorage

extension Queue {
  /// Whether everything in the folder is as it should be.
  struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Look through the database and the spool, also while a server holds them.",
      discussion: "Changes nothing. The exit status is 1 where something is damaged.")

    @OptionGroup var data: DataOption
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
      let report = try await StorageMaintenance.check(data.folder)
      try MaintenanceReport(report).print(asJSON: json)
      if report.isDamaged { throw ExitCode.failure }
    }
  }

  /// Sets aside what cannot be read.
  struct Repair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Set aside what cannot be read, and leave the rest as it is.",
      discussion: "Needs the data folder for itself: it is refused while a server holds it.")

    @OptionGroup var name: OperatorOption
    @OptionGroup var data: DataOption
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
      // What it would log is printed.
      let silent = Logger(label: "submission-server", factory: { _ in SwiftLogNoOpLogHandler() })
      let report = try await StorageMaintenance.repair(
        data.folder, by: name.operator, at: SystemTime().now(), logger: silent)
      try MaintenanceReport(report).print(asJSON: json)
    }
  }
}

extension StorageReport {
  /// Whether more is wrong than files which nobody needs: those of messages that come in just now are such, too.
  fileprivate var isDamaged: Bool { more > 0 || findings.contains { $0.kind != .orphan } }
}

/// What was found, as it is printed.
private struct MaintenanceReport: Encodable {
  struct Finding: Encodable {
    let kind: String
    let queueID: String?
    let file: String?
    let text: String
    let action: String?

    private enum CodingKeys: CodingKey { case kind, queueID, file, text, action }

    /// By hand, since what there is not is null.
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(kind, forKey: .kind)
      try container.encode(queueID, forKey: .queueID)
      try container.encode(file, forKey: .file)
      try container.encode(text, forKey: .text)
      try container.encode(action, forKey: .action)
    }
  }

  let messages: Int
  let findings: [Finding]
  /// Findings beyond those.
  let more: Int

  init(_ report: StorageReport) {
    (messages, more) = (report.messages, report.more)
    findings = report.findings.map {
      Finding(
        kind: $0.kind.rawValue, queueID: $0.queueID?.description, file: $0.file, text: $0.text, action: $0.action)
    }
  }

  func print(asJSON: Bool) throws {
    if asJSON { return Swift.print(try JSONLine.encode(self)) }
    for finding in findings {
      let place = [finding.queueID, finding.file].compactMap { $0.map { "  \($0)" } }.joined()
      show("\(finding.kind)\(place): \(finding.text)\(finding.action.map { "; \($0)" } ?? "")")
    }
    if more > 0 { Swift.print("and \(more) more") }
    let count = findings.count + more
    Swift.print("\(messages) messages looked at, \(count == 0 ? "nothing" : "\(count)") found")
  }
}
