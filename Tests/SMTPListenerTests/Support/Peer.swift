import Dispatch
import Foundation
import SMTPProtocol
import Testing

/// A program that the tests speak with, and that they did not write.
enum Peer: String {
  case haproxy, swaks, curl

  var path: String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    return (folders + ["/usr/sbin", "/usr/bin"]).map { "\($0)/\(rawValue)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}

extension Trait where Self == ConditionTrait {
  /// Runs a test only where its peer is installed; otherwise says that it is not.
  static func needs(_ peer: Peer) -> Self { .enabled(if: peer.path != nil, "\(peer.rawValue) is not installed") }
}

/// A peer that runs. Its words go to a file, so that nobody waits for whatever inherited a pipe.
final class PeerProcess: @unchecked Sendable {  // Process is used from one thread at a time
  private let process = Process()
  private let ended = DispatchGroup()
  private let folder: URL
  private var log: URL { folder.appending(path: "log") }

  /// - Parameter files: what its arguments name, put into a folder that is its working directory.
  init(_ peer: Peer, _ arguments: [String], files: [String: [UInt8]] = [:]) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "smtp-peer-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (name, content) in files { try Data(content).write(to: folder.appending(path: name)) }
    try Data().write(to: log)
    process.executableURL = URL(filePath: try #require(peer.path))
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    let output = try FileHandle(forWritingTo: log)
    (process.standardOutput, process.standardError) = (output, output)
    ended.enter()
    process.terminationHandler = { [ended] _ in ended.leave() }
    try process.run()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    try? FileManager.default.removeItem(at: folder)
  }

  var isRunning: Bool { process.isRunning }
  var output: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

  /// Returns when it is gone.
  func killNow() async {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    _ = await status()
  }

  /// Its exit status, when it has ended by itself.
  func status() async -> Int32 {
    await withCheckedContinuation { continuation in
      ended.notify(queue: .global()) { continuation.resume() }
    }
    return process.terminationStatus
  }
}
