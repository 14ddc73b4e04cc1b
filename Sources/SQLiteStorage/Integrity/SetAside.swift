import Foundation
import GRDB
import MailModel

/// Where a repair puts what cannot stay: nothing is deleted, and nothing there is read by a server. Blocks.
struct SetAside {
  static let name = "set-aside"

  private let path: String
  private let spool: String
  private let folder: OpenFile

  /// Makes the folder if it is not there.
  init(in path: String) throws {
    self.path = path + "/" + Self.name
    spool = path + "/" + FolderResources.spoolName
    if !FileManager.default.fileExists(atPath: self.path) { try FileCalls.system.makeFolders(self.path) }
    folder = try OpenFile(self.path, O_RDONLY | O_DIRECTORY)
  }

  /// Keeps what can be read of a message: its rows as JSON, and its content.
  ///
  /// - Returns: the names of the files, as they stand in the data folder.
  func keep(_ message: StoredMessage) throws -> [String] {
    var names = [try write(try message.rowsAsJSON(), to: "\(message.label).json")]
    if let content = message.rows["content"]?.first {
      let prefix: Data = content["prefix"]
      names.append(try write(prefix, to: "\(message.label).prefix"))
      if let body: Data = content["body"] { names.append(try write(body, to: "\(message.label).body")) }
    }
    // A file that another message may name stays where it is.
    if let file = message.id?.description, file == message.spoolName, let name = try move(file) { names.append(name) }
    try folder.sync()
    return names
  }

  /// Moves a file out of the spool.
  ///
  /// - Returns: its new name, `nil` where it is not there.
  func move(_ file: String) throws -> String? {
    let (from, to) = ("\(spool)/\(file)", "\(path)/\(file).body")
    guard FileManager.default.fileExists(atPath: from) else { return nil }
    guard rename(from, to) == 0 else { throw SystemError("rename") }
    try folder.sync()
    return "\(Self.name)/\(file).body"
  }

  private func write(_ data: Data, to name: String) throws -> String {
    let file = try OpenFile(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC)
    try file.write(Array(data))
    try file.sync()
    return "\(Self.name)/\(name)"
  }
}

extension StoredMessage {
  /// What one column holds.
  private enum Value: Encodable {
    case number(Int64)
    case text(String)
    case null

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .number(let number): try container.encode(number)
      case .text(let text): try container.encode(text)
      case .null: try container.encodeNil()
      }
    }
  }

  /// The readable rows by table; octets are left out, since they have files of their own.
  fileprivate func rowsAsJSON() throws -> Data {
    let tables = rows.mapValues { rows in
      rows.map { row in
        Dictionary(uniqueKeysWithValues: row.map { column, value in (column, Self.value(value)) })
      }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return try encoder.encode(tables)
  }

  private static func value(_ value: DatabaseValue) -> Value {
    switch value.storage {
    case .int64(let number): .number(number)
    case .string(let text): .text(text)
    case .double, .blob, .null: .null
    }
  }
}
