import Foundation

/// One value on one line.
enum JSONLine {
  static func encode(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return TerminalText.ofJSON(String(decoding: try encoder.encode(value), as: UTF8.self))
  }
}
