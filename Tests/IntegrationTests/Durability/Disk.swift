import Foundation
import PeerTesting
import Testing

/// A file system of a test's own.
final class Disk: Sendable {
  /// Where it is mounted.
  let path: String
  private let folder: String
  private let mountArguments: [String]

  private init(_ folder: String, mountArguments: [String]) async throws {
    self.folder = folder
    self.mountArguments = mountArguments
    path = folder + "/disk"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try await mount()
  }

  /// ext4 in a file, whose power can be cut.
  static func run(ext4 megabytes: Int, _ body: (Disk) async throws -> Void) async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let image = folder + "/image"
    try await succeed(.mkfsExt4, ["-q", image, "\(megabytes)M"])
    try await run(Disk(folder, mountArguments: ["-o", "loop", image]), body)
  }

  /// In memory, so that it can be full.
  static func run(tmpfs megabytes: Int, _ body: (Disk) async throws -> Void) async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await run(Disk(folder, mountArguments: ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs"]), body)
  }

  /// Nothing of it stays, whatever the test did.
  private static func run(_ disk: Disk, _ body: (Disk) async throws -> Void) async throws {
    let result: Result<Void, any Error>
    do { result = .success(try await body(disk)) } catch { result = .failure(error) }
    try await succeed(.umount, ["--lazy", disk.path])
    try result.get()
  }

  /// What a power cut leaves: from now on nothing reaches the disk, and what it had not written itself is gone.
  ///
  /// - Parameter flushesJournal: whether the journal of the file system is written first, as if the cut came a little
  ///   later for it.
  /// - Returns: octets of the journal of senders an instant before. What they hear later nobody would have heard: a sync that
  ///   is under way as ext4 is shut down may succeed though nothing of it reaches the disk (Linux 6.18; one in ten that appends
  ///   to a file, of a program that does nothing else).
  func cutPower(flushesJournal: Bool, journal: Journal) async throws -> Int {
    let script = """
      import fcntl, os, struct, sys
      EXT4_IOC_SHUTDOWN = 0x8004587d
      disk = os.open(sys.argv[1], os.O_RDONLY)
      size = os.path.getsize(sys.argv[3])
      fcntl.ioctl(disk, EXT4_IOC_SHUTDOWN, struct.pack("I", int(sys.argv[2])))
      print(size)
      """
    let size = try await Self.succeed(.python3, ["-c", script, path, flushesJournal ? "1" : "2", journal.path])
    return try #require(Int(size.trimmingCharacters(in: .newlines)))
  }

  /// Power comes back: the file system's journal is played again. Nobody may have a file open on it.
  func remount() async throws {
    // The system closes the files of a killed process in its own time.
    try await eventually("unmounted") { [path] in try await PeerTesting.run(.umount, [path]).status == 0 }
    try await mount()
  }

  /// Leaves so many octets free, rounded to pages.
  func fill(leaving octets: Int) throws {
    let file = open(path + "/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    defer { close(file) }
    var status = statvfs()
    try #require(file >= 0 && statvfs(path, &status) == 0)
    let count = Int(status.f_bavail) * Int(status.f_frsize) - octets
    try #require(posix_fallocate(file, 0, off_t(count)) == 0)
  }

  /// Takes back what ``fill(leaving:)`` did.
  func empty() throws { try FileManager.default.removeItem(atPath: path + "/filler") }

  private func mount() async throws { try await Self.succeed(.mount, mountArguments + [path]) }

  @discardableResult private static func succeed(_ peer: Peer, _ arguments: [String]) async throws -> String {
    let result = try await PeerTesting.run(peer, arguments)
    // Not a requirement, which would be an issue also where it is only tried.
    guard result.status == 0 else { throw DemoServer.Failure(description: "\(peer.rawValue): \(result.output)") }
    return result.output
  }

  /// Whether this machine lets us mount; tried once.
  fileprivate static let canMount = Task {
    do {
      try await run(tmpfs: 1) { _ in }
      try await run(ext4: 16) { _ in }
      return true
    } catch {
      return false
    }
  }
}

extension Trait where Self == ConditionTrait {
  /// Runs a test only where disks can be mounted: by root, with loop devices.
  static var mountsDisks: Self {
    .enabled("no disk can be mounted here: not root, no mkfs.ext4, or no loop device") { await Disk.canMount.value }
  }
}

/// What SQLite's integrity check says of the database in a data folder that nobody has open. It looks at a copy, since
/// looking alone would change it.
func integrity(of data: String) async throws -> String {
  let copy = try temporaryFolder()
  defer { try? FileManager.default.removeItem(atPath: copy) }
  for name in ["submission.sqlite", "submission.sqlite-wal"]
  where FileManager.default.fileExists(atPath: "\(data)/\(name)") {
    try FileManager.default.copyItem(atPath: "\(data)/\(name)", toPath: "\(copy)/\(name)")
  }
  let script = """
    import sqlite3, sys
    for row in sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check"): print(row[0])
    """
  return try await run(.python3, ["-c", script, copy + "/submission.sqlite"]).output
}
