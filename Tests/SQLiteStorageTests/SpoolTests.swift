import DeliveryQueue
import Foundation
import GRDB
import MailModel
import SQLiteStorage
import Synchronization
import Testing

/// What becomes of the files of bodies, and in which order they are made durable.
@Suite(.serialized) struct SpoolTests {
  private let folders = TemporaryFolders()

  private func files(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + "/spool")
  }

  @Test func aBodyIsSyncedBeforeItHasItsNameAndTheNameBeforeItIsTold() async throws {
    let path = folders.newPath()
    let recorder = CallRecorder()
    let resources = try FolderResources(path: path, configuration: .untouchedByTheDisk, calls: recorder.calls)
    recorder.forget()
    let id = Mail.ids.next(at: SystemTime().now())
    let writer = try await resources.spool.makeWriter(for: id)
    try await writer.append([1, 2, 3])
    try await writer.append([4])
    let file = "\(path)/spool/\(id)"
    #expect(recorder.lines == ["write \(file).part", "write \(file).part"])
    _ = try await writer.finish()
    #expect(
      recorder.lines.dropFirst(2) == ["sync \(file).part", "rename \(file).part \(file)", "sync \(path)/spool"])
    await resources.close()
  }

  @Test(arguments: ["write", "sync", "rename"])
  func aCallThatFailsIsNotPassedOver(call: String) async throws {
    let recorder = CallRecorder()
    let resources = try FolderResources(
      path: folders.newPath(), configuration: .untouchedByTheDisk, calls: recorder.calls)
    let writer = try await resources.spool.makeWriter(for: Mail.ids.next(at: SystemTime().now()))
    recorder.fail(call)
    await #expect {
      try await writer.append([1])
      _ = try await writer.finish()
    } throws: {
      code($0) == .cannotWrite
    }
    await resources.close()
  }

  @Test func everyFolderThatIsMadeIsSyncedIntoTheOneAbove() async throws {
    let top = folders.newPath()
    let recorder = CallRecorder()
    let resources = try FolderResources(
      path: top + "/a/b", configuration: .untouchedByTheDisk, calls: recorder.calls)
    let parent = URL(fileURLWithPath: top).deletingLastPathComponent().path
    #expect(
      recorder.lines.filter { !$0.hasPrefix("write") } == [
        "make \(top)", "sync \(parent)", "make \(top)/a", "sync \(top)", "make \(top)/a/b", "sync \(top)/a",
        "make \(top)/a/b/spool", "sync \(top)/a/b", "sync \(top)/a/b",
      ])
    await resources.close()
  }

  @Test func aBodyThatMayBeQueuedIsNotDiscarded() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    let id = Mail.ids.next(at: SystemTime().now())
    let writer = try await folder.queue.makeBody(for: id)
    let message = Mail.message(id: id, body: .spooled(try await writer.finish()))
    let sync = FailingSync(isArmed: false)
    try await folder.resources.writer.perform { $0.add(transactionObserver: sync, extent: .databaseLifetime) }
    sync.arm()
    await #expect { try await folder.queue.enqueue(message) } throws: { code($0) == .unknownOutcome }
    writer.discard()
    await folder.close()
    #expect(try files(path) == ["\(id)"])
    // It was not kept, which opening the folder tells.
    _ = try await folders.open(path)
    #expect(try files(path) == [])
  }

  @Test func aBodyThatWasNotQueuedIsDiscarded() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    let id = Mail.ids.next(at: SystemTime().now())
    let writer = try await folder.queue.makeBody(for: id)
    var message = Mail.message(id: id, body: .spooled(try await writer.finish()))
    message.envelope.recipients = []
    await #expect { try await folder.queue.enqueue(message) } throws: { code($0) == .invalidMessage }
    #expect(try files(path) == ["\(id)"])
    writer.discard()
    await folder.close()
    #expect(try files(path) == [])
  }

  @Test func whatIsDiscardedDuringACallStaysDiscarded() async throws {
    let path = folders.newPath()
    let recorder = CallRecorder()
    let resources = try FolderResources(path: path, configuration: .untouchedByTheDisk, calls: recorder.calls)
    for isFinishing in [false, true] {
      let writer = try await resources.spool.makeWriter(for: Mail.ids.next(at: SystemTime().now()))
      recorder.during(isFinishing ? "sync" : "write") { writer.discard() }
      await #expect { isFinishing ? _ = try await writer.finish() : try await writer.append([1]) } throws: {
        code($0) == .closed
      }
      await #expect { try await writer.append([2]) } throws: { code($0) == .closed }
    }
    await resources.close()
    #expect(try files(path) == [])
  }

  @Test func aBodyIsWrittenOnce() async throws {
    let store = try await folders.open().queue
    let message = try await Mail.spooled(octets: 10, in: store)
    await #expect { try await store.makeBody(for: message.id) } throws: { code($0) == .invalidMessage }
    try await store.enqueue(message)
    #expect(try await store.readAll(message.id).count == message.size)
  }
}

/// Writes down the calls that durability rests upon, in their order.
private final class CallRecorder: Sendable {
  private struct State {
    var lines: [String] = []
    var failing: String?
    var action: (call: String, run: @Sendable () -> Void)?
  }
  private let state = Mutex(State())

  var lines: [String] { state.withLock { $0.lines } }
  func forget() { state.withLock { $0.lines = [] } }
  /// From now on, this call fails.
  func fail(_ call: String) { state.withLock { $0.failing = call } }
  /// Does something during the next call of this name.
  func during(_ call: String, _ run: @escaping @Sendable () -> Void) { state.withLock { $0.action = (call, run) } }

  var calls: FileCalls {
    var calls = FileCalls.system
    calls.write = { self.note("write", $2) ? FileCalls.system.write($0, $1, $2) : -1 }
    calls.sync = { self.note("sync", $1) ? FileCalls.system.sync($0, $1) : -1 }
    calls.rename = { self.note("rename", "\($0) \($1)") ? FileCalls.system.rename($0, $1) : -1 }
    calls.makeFolder = { self.note("make", $0) ? FileCalls.system.makeFolder($0) : -1 }
    return calls
  }

  private func note(_ call: String, _ path: String) -> Bool {
    let (action, isFailing) = state.withLock { state in
      state.lines.append("\(call) \(path)")
      let action = state.action?.call == call ? state.action.take()?.run : nil
      return (action, state.failing == call)
    }
    action?()
    errno = EIO
    return !isFailing
  }
}
