import DeliveryQueue
import Dispatch
import Foundation
import MailModel
import Synchronization

/// The folder of bodies that are too large for the database: one file each, named after its message.
///
/// A file bears a name ending in `.part` until it is complete and synced. What no message names is swept when the
/// folder is opened.
final class Spool: Sendable {
  private static let partSuffix = ".part"

  private let path: String
  private let folder: OpenFile
  private let writers = BlockingThreads(label: "submission.spool.write")
  private let readers = BlockingThreads(label: "submission.spool.read")

  init(path: String) throws {
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    self.path = path
    folder = try OpenFile(path, O_RDONLY | O_DIRECTORY)
  }

  func makeWriter(for id: QueueID) async throws -> SpoolWriter {
    let thread = writers.next()
    do {
      let part = partPath(id.description)
      let file = try await thread.perform { try OpenFile(part, O_WRONLY | O_CREAT | O_EXCL) }
      return SpoolWriter(spool: self, name: id.description, file: file, thread: thread)
    } catch {
      throw QueueError.unwritten(error, "a spool file could not be made")
    }
  }

  /// Opens a body that is complete.
  func open(_ body: SpooledBody) async throws -> SpooledFile {
    let path = finalPath(body.name)
    let thread = readers.next()
    do {
      let file = try await thread.perform { try OpenFile(path, O_RDONLY) }
      guard try file.size() == body.count else {
        throw QueueError(.damaged, "the spool file \(body.name) has not the size that it should have")
      }
      return SpooledFile(file: file, count: body.count, thread: thread)
    } catch let error as SystemError {
      throw QueueError(.damaged, "the spool file \(body.name) cannot be opened", cause: error)
    }
  }

  /// Removes a body that no message names any more. Not awaited: what is left over is swept.
  func remove(_ name: String) {
    let path = finalPath(name)
    writers.next().async { unlink(path) }
  }

  /// Whether a complete body of that name and size lies here.
  func holds(_ body: SpooledBody) async -> Bool {
    let path = finalPath(body.name)
    let size = try? await writers.next().perform { try OpenFile(path, O_RDONLY).size() }
    return size == body.count
  }

  /// Removes files of ours that are incomplete, or that `isNamed` does not know. Blocks.
  func sweep(isNamed: (QueueID) throws -> Bool) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: path) {
      let isPart = name.hasSuffix(Self.partSuffix)
      guard let id = QueueID(isPart ? String(name.dropLast(Self.partSuffix.count)) : name) else { continue }
      if try isPart || !isNamed(id) { unlink(path + "/" + name) }
    }
  }

  /// Gives a synced file its final name. Blocks.
  fileprivate func complete(_ name: String) throws {
    guard rename(partPath(name), finalPath(name)) == 0 else { throw SystemError("rename") }
    try folder.sync()
  }

  fileprivate func partPath(_ name: String) -> String { "\(path)/\(name)\(Self.partSuffix)" }
  fileprivate func finalPath(_ name: String) -> String { "\(path)/\(name)" }
}

/// A few serial queues for calls that block.
private struct BlockingThreads: Sendable {
  private static let count = 4
  private let queues: [DispatchQueue]

  init(label: String) { queues = (0..<Self.count).map { DispatchQueue(label: "\(label).\($0)") } }

  func next() -> DispatchQueue { queues[Int.random(in: 0..<Self.count)] }
}

/// Writes one body. Its calls come one at a time, and run on one queue.
final class SpoolWriter: MessageBodyWriter {
  private enum State {
    case writing(OpenFile, count: Int)
    case finished
    case discarded
  }
  private let spool: Spool
  private let name: String
  private let thread: DispatchQueue
  private let state: Mutex<State>

  fileprivate init(spool: Spool, name: String, file: OpenFile, thread: DispatchQueue) {
    (self.spool, self.name, self.thread) = (spool, name, thread)
    state = Mutex(.writing(file, count: 0))
  }

  deinit {
    // Dropped half-way, without a word.
    if case .writing = state.withLock({ $0 }) { unlink(spool.partPath(name)) }
  }

  func append(_ octets: [UInt8]) async throws {
    let (file, count) = try openFile()
    do {
      try await thread.perform { try file.write(octets) }
    } catch {
      throw QueueError.unwritten(error, "a spool file could not be written")
    }
    state.withLock { $0 = .writing(file, count: count + octets.count) }
  }

  func finish() async throws -> SpooledBody {
    let (file, count) = try openFile()
    do {
      try await thread.perform { [spool, name] in
        try file.sync()
        try spool.complete(name)
      }
    } catch {
      throw QueueError.unwritten(error, "a spool file could not be synced")
    }
    state.withLock { $0 = .finished }
    return SpooledBody(name: name, count: count)
  }

  func discard() {
    let isOpen = state.withLock { state in
      defer { state = .discarded }
      if case .discarded = state { return false }
      return true
    }
    guard isOpen else { return }
    // Behind whatever is under way on this queue.
    thread.async { [spool, name] in
      unlink(spool.partPath(name))
      unlink(spool.finalPath(name))
    }
  }

  private func openFile() throws -> (OpenFile, count: Int) {
    guard case .writing(let file, let count) = state.withLock({ $0 }) else {
      throw QueueError(.closed, "the body is complete or discarded")
    }
    return (file, count)
  }
}

/// A complete body, to read.
struct SpooledFile: Sendable {
  fileprivate let file: OpenFile
  let count: Int
  fileprivate let thread: DispatchQueue

  /// Exactly what lies between `offset` and `offset + limit`, which are within the body.
  func read(from offset: Int, limit: Int) async throws -> [UInt8] {
    do {
      let octets = try await thread.perform { [file] in try file.read(from: offset, limit: limit) }
      guard octets.count == limit else { throw QueueError(.damaged, "a spool file became shorter") }
      return octets
    } catch let error as SystemError {
      throw QueueError(.damaged, "a spool file cannot be read", cause: error)
    }
  }
}

/// Content whose body lies in the spool.
struct SpooledContent: MessageContent {
  let prefix: [UInt8]
  let body: SpooledFile

  var count: Int { prefix.count + body.count }

  func read(from offset: Int, limit: Int) async throws -> [UInt8] {
    let start = min(max(0, offset), count)
    let end = start + min(max(0, limit), count - start)
    let head = prefix[min(start, prefix.count)..<min(end, prefix.count)]
    let bodyStart = max(0, start - prefix.count)
    let bodyEnd = max(0, end - prefix.count)
    guard bodyStart < bodyEnd else { return Array(head) }
    return head + (try await body.read(from: bodyStart, limit: bodyEnd - bodyStart))
  }
}
