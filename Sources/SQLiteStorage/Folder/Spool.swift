package import DeliveryQueue
import Dispatch
import Foundation
import LibCrypto
package import MailModel
import Synchronization

/// The folder of bodies that are too large for the database: one file each, named after its message.
///
/// A file bears a name ending in `.part` until it is complete and synced. What no message names is swept when the
/// folder is opened.
package final class Spool: Sendable {
  private static let partSuffix = ".part"

  /// Where a body stands that no queued message names, as far as the spool knows.
  private enum Standing {
    /// Being written, or complete: it may be discarded.
    case free
    /// A message that names it is being queued.
    case held
    /// As `held`, and discarded meanwhile: it goes if the message is not queued.
    case unwanted
  }

  private let path: String
  private let calls: FileCalls
  private let folder: OpenFile
  /// Whether a sync of the folder has failed, or is under way.
  private let hasFailed = Mutex(false)
  fileprivate let space: DiskSpace
  private let bodies = Mutex<[String: Standing]>([:])
  /// SHA-256 of the bodies that are complete and not queued yet.
  private let digests = Mutex<[String: [UInt8]]>([:])
  private let writers = BlockingThreads(label: "submission.spool.write")
  private let readers = BlockingThreads(label: "submission.spool.read")

  init(path: String, space: DiskSpace, calls: FileCalls) throws {
    if !FileManager.default.fileExists(atPath: path) { try calls.makeFolders(path) }
    (self.path, self.space, self.calls) = (path, space, calls)
    folder = try OpenFile(path, O_RDONLY | O_DIRECTORY, calls: calls)
  }

  package func makeWriter(for id: QueueID) async throws -> SpoolWriter {
    try space.check(octets: 0)
    let thread = writers.next()
    let (part, final) = (partPath(id.description), finalPath(id.description))
    do {
      let file = try await thread.perform { [calls] in
        let file = try OpenFile(part, O_WRONLY | O_CREAT | O_EXCL, calls: calls)
        guard access(final, F_OK) != 0 else {
          unlink(part)
          throw QueueError(.invalidMessage, "a queue ID whose body was written before")
        }
        return file
      }
      bodies.withLock { $0[id.description] = .free }
      return SpoolWriter(spool: self, name: id.description, file: file, thread: thread)
    } catch let error as QueueError {
      throw error
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
    forget([name])
    let path = finalPath(name)
    writers.next().async { unlink(path) }
  }

  /// Waits for what was begun and not awaited.
  func finish() async { await writers.finish() }

  /// Whether a complete body of that name and size lies here.
  func holds(_ body: SpooledBody) async -> Bool {
    let path = finalPath(body.name)
    let size = try? await writers.next().perform { try OpenFile(path, O_RDONLY).size() }
    return size == body.count
  }

  /// Removes files of ours that are incomplete, or that `isNamed` does not know; none where it fails. Blocks.
  func sweep(isNamed: (QueueID) throws -> Bool) throws {
    let unwanted = try FileManager.default.contentsOfDirectory(atPath: path).filter { name in
      guard let id = Self.queueID(ofFile: name) else { return false }
      return try Self.isPart(name) || !isNamed(id)
    }
    for name in unwanted { unlink(path + "/" + name) }
  }

  /// Whether a file is incomplete by its name.
  static func isPart(_ name: String) -> Bool { name.hasSuffix(partSuffix) }

  /// Whose body a file has, `nil` for a file that is not ours.
  static func queueID(ofFile name: String) -> QueueID? {
    QueueID(isPart(name) ? String(name.dropLast(partSuffix.count)) : name)
  }

  /// Gives a synced file its final name. Blocks.
  fileprivate func complete(_ name: String, digest: [UInt8]?) throws {
    guard calls.rename(partPath(name), finalPath(name)) == 0 else { throw SystemError("rename") }
    try syncFolder()
    digests.withLock { $0[name] = digest }
  }

  /// The system tells of a failed sync once: after it, no other of this folder says anything of what came before.
  private func syncFolder() throws {
    try hasFailed.withLock { hasFailed in
      guard !hasFailed else { throw QueueError(.cannotWrite, "the spool's folder could not be synced before") }
      hasFailed = true
      try folder.sync()
      hasFailed = false
    }
  }

  /// SHA-256 of a body that is complete and not queued yet.
  func digest(of name: String) -> [UInt8]? { digests.withLock { $0[name] } }

  fileprivate func partPath(_ name: String) -> String { "\(path)/\(name)\(Self.partSuffix)" }
  fileprivate func finalPath(_ name: String) -> String { "\(path)/\(name)" }
}

// MARK: - Who may remove what

extension Spool {
  /// Keeps complete bodies from being discarded while messages that name them are queued; all of them or none.
  func hold(_ names: [String]) throws(QueueError) {
    try bodies.withLock { bodies throws(QueueError) in
      guard Set(names).count == names.count, names.allSatisfy({ bodies[$0] == .free }) else {
        throw QueueError(.invalidMessage, "a body that was discarded, or is named twice")
      }
      for name in names { bodies[name] = .held }
    }
  }

  /// Ends ``hold(_:)``.
  ///
  /// - Parameter mayBeNamed: whether the messages were queued, or may have been. Then nobody may discard their bodies any
  ///   more; if no message names them after all, they are swept.
  func release(_ names: [String], mayBeNamed: Bool) {
    let unwanted = bodies.withLock { bodies in
      let unwanted = mayBeNamed ? [] : names.filter { bodies[$0] == .unwanted }
      for name in names { bodies[name] = mayBeNamed || bodies[name] == .unwanted ? nil : .free }
      return unwanted
    }
    if mayBeNamed { forget(names) } else { unwanted.forEach(remove) }
  }

  private func forget(_ names: [String]) {
    guard !names.isEmpty else { return }
    digests.withLock { digests in for name in names { digests[name] = nil } }
  }

  /// Removes a body that is not wanted, unless a message names it. What is under way on `thread` comes before.
  fileprivate func discard(_ name: String, behind thread: DispatchQueue) {
    let isFree = bodies.withLock { bodies in
      switch bodies[name] {
      case .free:
        bodies[name] = nil
        return true
      case .held: bodies[name] = .unwanted
      case .unwanted, nil: break
      }
      return false
    }
    guard isFree else { return }
    thread.async { [self] in
      forget([name])
      unlink(partPath(name))
      unlink(finalPath(name))
    }
  }
}

/// A few serial queues for calls that block.
private struct BlockingThreads: Sendable {
  private static let count = 4
  private let queues: [DispatchQueue]

  init(label: String) { queues = (0..<Self.count).map { DispatchQueue(label: "\(label).\($0)") } }

  func next() -> DispatchQueue { queues[Int.random(in: 0..<Self.count)] }

  /// Waits until each has done what it was given.
  func finish() async { for queue in queues { try? await queue.perform {} } }
}

/// Writes one body. Its calls come one at a time, and run on one queue.
package final class SpoolWriter: MessageBodyWriter {
  private enum State {
    case writing(OpenFile, count: Int)
    case finished
    case discarded
  }
  private let spool: Spool
  private let name: String
  private let thread: DispatchQueue
  private let state: Mutex<State>
  private let digest = Mutex<SHA256?>(try? SHA256())

  fileprivate init(spool: Spool, name: String, file: OpenFile, thread: DispatchQueue) {
    (self.spool, self.name, self.thread) = (spool, name, thread)
    state = Mutex(.writing(file, count: 0))
  }

  deinit {
    // Dropped half-way, without a word.
    if case .writing = state.withLock({ $0 }) { spool.discard(name, behind: thread) }
  }

  package func append(_ octets: [UInt8]) async throws {
    let (file, count) = try openFile()
    try spool.space.check(octets: octets.count)
    do {
      try await thread.perform { [self] in
        try file.write(octets)
        digest.withLock { $0?.update(octets.span) }
      }
    } catch {
      throw QueueError.unwritten(error, "a spool file could not be written")
    }
    try proceed(to: .writing(file, count: count + octets.count))
  }

  package func finish() async throws -> SpooledBody {
    let (file, count) = try openFile()
    do {
      try await thread.perform { [self] in
        try file.sync()
        try spool.complete(name, digest: finishDigest())
      }
    } catch {
      throw QueueError.unwritten(error, "a spool file could not be synced")
    }
    try proceed(to: .finished)
    return SpooledBody(name: name, count: count)
  }

  package func discard() {
    let isOpen = state.withLock { state in
      defer { state = .discarded }
      if case .discarded = state { return false }
      return true
    }
    if isOpen { spool.discard(name, behind: thread) }
  }

  private func finishDigest() -> [UInt8]? {
    digest.withLock { digest -> [UInt8]? in
      guard let finished = digest.take() else { return nil }
      return try? finished.finish()
    }
  }

  /// Ends a call, unless the body was discarded meanwhile.
  private func proceed(to next: State) throws {
    try state.withLock { state in
      guard case .writing = state else { throw QueueError(.closed, "the body was discarded") }
      state = next
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
  ///
  /// - Parameter examine: looks at it, on the thread that read it.
  func read(
    from offset: Int, limit: Int, examine: @escaping @Sendable ([UInt8]) throws -> Void
  ) async throws -> [UInt8] {
    do {
      return try await thread.perform { [file] in
        let octets = try file.read(from: offset, limit: limit)
        guard octets.count == limit else { throw QueueError(.damaged, "a spool file became shorter") }
        try examine(octets)
        return octets
      }
    } catch let error as SystemError {
      throw QueueError(.damaged, "a spool file cannot be read", cause: error)
    }
  }
}
