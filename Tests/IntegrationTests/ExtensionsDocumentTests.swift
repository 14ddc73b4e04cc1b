import Foundation
import Testing

/// docs/extensions.md names tests; each of them is there.
@Suite struct ExtensionsDocumentTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static let rows: [[Substring]] = {
    let text = (try? String(contentsOf: root.appending(path: "docs/extensions.md"), encoding: .utf8)) ?? ""
    return text.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst()
      .map { $0.split(separator: "|").map { cell in cell[...] } }
  }()

  @Test func everyRowNamesATestOfEachKind() throws {
    #expect(Self.rows.count == 12)
    for row in Self.rows {
      try #require(row.count == 6, "\(row)")
      for cell in row.suffix(2) {
        let names = cell.matches(of: /`(\w+)\.(\w+)`/)
        #expect(!names.isEmpty, "\(row[0]) lacks a test")
        for name in names {
          let path = "Tests/SMTPProtocolTests/\(name.1).swift"
          let source = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
          #expect(source.contains("func \(name.2)("), "\(path) has no \(name.2)")
        }
      }
    }
  }
}
