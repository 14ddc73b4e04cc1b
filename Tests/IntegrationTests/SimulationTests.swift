import Foundation
import PeerTesting
import Testing

/// A simulation is the same in every process, whatever the hashing and the addresses there are.
@Suite struct SimulationTests {
  private static func run(seed: UInt64) async throws -> String {
    let folder = URL(filePath: try DemoServer.executable()).deletingLastPathComponent()
    let result = try await PeerTesting.run(folder.path + "/in-memory-testing", ["--seed", "\(seed)"])
    #expect(result.status == 0)
    return result.output
  }

  @Test func theSameSeedGivesTheSameRunInEveryProcess() async throws {
    let (first, second) = (try await Self.run(seed: 7), try await Self.run(seed: 7))
    #expect(first == second)
    #expect(first.contains("kind=greylisting"))
    #expect(first.contains("Message sent"))
    #expect(try await Self.run(seed: 8) != first)
  }

  /// The page shows what is compiled.
  @Test func thePageIsTheExample() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(contentsOf: root.appending(path: "docs/testing.md"), encoding: .utf8)
    let example = try String(
      contentsOf: root.appending(path: "Examples/in-memory-testing/GreylistingAndACrash.swift"), encoding: .utf8)
    let block = try #require(page.firstRange(of: "```swift\n"))
    let lines = page[block.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
      .prefix { $0 != "```" }
    #expect(lines.joined(separator: "\n") + "\n" == example)
  }
}
