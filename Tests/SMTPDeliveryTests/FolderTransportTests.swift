import DeliveryQueue
import Foundation
import MailModel
import SMTPDelivery
import Testing

@Suite("The folder transport")
struct FolderTransportTests {
  private func names(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  @Test func writesToTheOctet() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/delivered"
    let transport = try FolderTransport(path: path)
    let content = OctetsContent(String(repeating: "0123456789 é\r\n", count: 20_000) + ".\r\nno end")
    let claim = try Claim.test(to: "b@example.org", "c@example.org", content: content)
    let report = await transport.deliver(claim, content: content)
    let outcome = DeliveryOutcome.delivered(DeliveryReply(code: 250, text: "250 2.0.0 Written to \(claim.id).eml"))
    #expect(report.outcomes == [outcome, outcome])
    #expect(report.hostProblem == nil && report.condition == .working)
    #expect(try names(path) == ["\(claim.id).eml"])
    #expect(FileManager.default.contents(atPath: "\(path)/\(claim.id).eml") == Data(content.octets))
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o700)
  }

  @Test func aSecondDeliveryReplacesTheFirst() async throws {
    let folder = try TemporaryFolder()
    let transport = try FolderTransport(path: folder.path)
    let first = OctetsContent("the first, which is longer\r\n")
    let second = OctetsContent("the second\r\n")
    let claim = try Claim.test(to: "b@example.org", content: first)
    _ = await transport.deliver(claim, content: first)
    _ = await transport.deliver(claim, content: second)
    #expect(try names(folder.path) == ["\(claim.id).eml"])
    #expect(FileManager.default.contents(atPath: "\(folder.path)/\(claim.id).eml") == Data(second.octets))
  }

  @Test(arguments: [true, false])
  func contentThatCannotBeReadLeavesNothing(_ throwsError: Bool) async throws {
    let folder = try TemporaryFolder()
    let transport = try FolderTransport(path: folder.path)
    let content = BrokenContent(good: 100_000, throwsError: throwsError)
    let report = await transport.deliver(try .test(to: "b@example.org", content: content), content: content)
    #expect(report.outcomes.count == 1 && report.isDeferred)
    #expect(report.hostProblem == nil && report.condition == .unknown)
    #expect(try names(folder.path).isEmpty)
  }

  @Test func whatACrashLeftBehindIsRemoved() throws {
    let folder = try TemporaryFolder()
    let id = QueueIDGenerator().next(at: Timestamp(milliseconds: 1_700_000_000_000))
    let left = [".\(id).1.tmp", ".\(id).18446744073709551615.tmp"]
    let others = [
      "\(id).eml", "\(id).1.tmp", ".\(id).tmp", ".\(id).1.x.tmp", ".\(id).x.tmp", ".\(id).1.tmp2", ".x.1.tmp", ".x",
    ]
    for name in left + others {
      #expect(FileManager.default.createFile(atPath: "\(folder.path)/\(name)", contents: Data()))
    }
    // One that cannot be removed keeps nobody from delivering.
    let stubborn = ".\(id).2.tmp"
    try FileManager.default.createDirectory(atPath: "\(folder.path)/\(stubborn)", withIntermediateDirectories: false)
    _ = try FolderTransport(path: folder.path)
    #expect(try names(folder.path) == (others + [stubborn]).sorted())
  }

  @Test(arguments: ["", "/"])
  func aFolderIsMadeWhereItIsAskedFor(_ end: String) throws {
    let folder = try TemporaryFolder()
    _ = try FolderTransport(path: folder.path + "/delivered" + end)
    #expect(try names(folder.path) == ["delivered"])
    _ = try FolderTransport(path: folder.path + "/delivered" + end)
  }

  @Test func aFolderThatIsGoneDefers() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/delivered"
    let transport = try FolderTransport(path: path)
    try FileManager.default.removeItem(atPath: path)
    let content = OctetsContent("x\r\n")
    let report = await transport.deliver(try .test(to: "b@example.org", content: content), content: content)
    #expect(report.outcomes.allSatisfy { $0.isDeferred && $0.reply.text.contains("No such file or directory") })
    #expect(report.hostProblem?.contains(path) == true)
    #expect(report.condition == .failed("The folder \(path) takes no files: No such file or directory"))
  }

  @Test func aNameThatIsTakenByAFolderDefersAndLeavesNothing() async throws {
    let folder = try TemporaryFolder()
    let transport = try FolderTransport(path: folder.path)
    let content = OctetsContent("x\r\n")
    let claim = try Claim.test(to: "b@example.org", content: content)
    try FileManager.default.createDirectory(
      atPath: "\(folder.path)/\(claim.id).eml", withIntermediateDirectories: false)
    let report = await transport.deliver(claim, content: content)
    #expect(report.outcomes.count == 1 && report.isDeferred)
    #expect(try names(folder.path) == ["\(claim.id).eml"])
  }

  @Test func aLinkInThePlaceOfTheTemporaryFileIsNotFollowed() async throws {
    let folder = try TemporaryFolder()
    let transport = try FolderTransport(path: folder.path)
    let content = OctetsContent("x\r\n")
    let claim = try Claim.test(to: "b@example.org", content: content)
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder.path)/.\(claim.id).1.tmp", withDestinationPath: "\(folder.path)/elsewhere")
    let report = await transport.deliver(claim, content: content)
    #expect(report.outcomes.count == 1 && report.isDeferred)
    #expect(report.hostProblem != nil)
    #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/elsewhere"))
  }

  @Test func whatIsNoFolderIsRefusedAtOnce() throws {
    let folder = try TemporaryFolder()
    let file = folder.path + "/file"
    #expect(FileManager.default.createFile(atPath: file, contents: Data()))
    for path in [file, folder.path + "/missing/delivered"] {
      #expect {
        try FolderTransport(path: path)
      } throws: { error in
        (error as? TransportError)?.code == .unusableFolder
      }
    }
  }
}
