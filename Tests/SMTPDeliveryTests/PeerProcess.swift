import Foundation
import MailModel
import SMTPDelivery
import Testing

/// A real SMTP server in a process of its own, which ends with the test.
final class PeerProcess: @unchecked Sendable {
  private let process = Process()
  private let output = Pipe()
  /// Only one line is awaited at a time.
  private var unread = ""

  private init() {}

  static func run(
    _ arguments: [String], body: (PeerProcess) async throws -> Void
  ) async throws {
    let peer = PeerProcess()
    peer.process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    peer.process.arguments = arguments
    peer.process.standardOutput = peer.output
    peer.process.standardError = FileHandle.nullDevice
    try peer.process.run()
    // Nothing gentler: a child may have inherited that SIGTERM is ignored.
    defer {
      kill(peer.process.processIdentifier, SIGKILL)
      peer.process.waitUntilExit()
    }
    try await body(peer)
  }

  /// The next line of what it prints; `nil` at its end, and where nothing comes for 30 seconds.
  func line() async -> String? {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(returning: self.readLine()) }
    }
  }

  private func readLine() -> String? {
    while true {
      if let end = unread.firstIndex(of: "\n") {
        defer { unread.removeSubrange(...end) }
        return String(unread[..<end])
      }
      let reading = output.fileHandleForReading
      var readable = pollfd(fd: reading.fileDescriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&readable, 1, 30_000) > 0 else { return nil }
      let octets = reading.availableData
      guard !octets.isEmpty else { return nil }
      unread += String(decoding: octets, as: UTF8.self)
    }
  }

  /// Whether a program exists and, called like this, succeeds.
  static func works(_ arguments: String...) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
