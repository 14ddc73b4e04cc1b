import Foundation
import Testing

@Suite struct ReadmeTests {
  /// What the README tells people to write is what is compiled.
  @Test func theThirtyLinesAreTheExample() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    let example = try String(
      contentsOf: root.appending(path: "Examples/quick-start/QuickStart.swift"), encoding: .utf8)
    let block = try #require(readme.firstRange(of: "```swift\n"))
    let lines = readme[block.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
      .prefix { $0 != "```" }
    #expect(lines.count > 20)
    let indented = lines.map { $0.isEmpty ? "" : "    " + $0 }.joined(separator: "\n")
    #expect(example.contains(indented))
  }
}
