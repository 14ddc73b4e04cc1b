package import Foundation
package import Testing

/// What a command said.
package struct CommandResult {
  package var status: Int32
  package var output: String
}

/// A child process whose end does not go unnoticed.
package final class Child: @unchecked Sendable {  // Process is used from one thread at a time
  private let process = Process()
  private let ended = DispatchSemaphore(value: 0)

  package init(_ path: String, _ arguments: [String], input: FileHandle?, output: FileHandle, errors: FileHandle) throws
  {
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.standardInput = input ?? FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    process.terminationHandler = { [ended] _ in ended.signal() }
    try process.run()
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  package var processIdentifier: Int32 { process.processIdentifier }

  package var isRunning: Bool { process.isRunning }

  package func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  /// Waits for the end, at most so long; then kills. Blocks.
  package func wait(seconds: Int) -> Int32 {
    if ended.wait(timeout: .now() + .seconds(seconds)) == .timedOut {
      signal(SIGKILL)
      ended.wait()
    }
    ended.signal()
    return process.terminationStatus
  }
}

/// Runs a command to its end, off the threads that tasks run on.
package func run(_ path: String, _ arguments: [String], input: String = "", seconds: Int = 60) async throws
  -> CommandResult
{
  try await offPool {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(input.utf8).write(to: URL(filePath: folder + "/in"))
    _ = FileManager.default.createFile(atPath: folder + "/out", contents: nil)
    let inFile = try FileHandle(forReadingFrom: URL(filePath: folder + "/in"))
    let outFile = try FileHandle(forWritingTo: URL(filePath: folder + "/out"))
    let child = try Child(path, arguments, input: inFile, output: outFile, errors: outFile)
    let status = child.wait(seconds: seconds)
    let output = try Data(contentsOf: URL(filePath: folder + "/out"))
    return CommandResult(status: status, output: String(decoding: output, as: UTF8.self))
  }
}

package func run(_ peer: Peer, _ arguments: [String], input: String = "", seconds: Int = 60) async throws
  -> CommandResult
{
  try await run(try #require(peer.path), arguments, input: input, seconds: seconds)
}

/// Does what blocks, or takes long, on a thread of its own. Dispatch's global queues are no other threads than those that tasks
/// run on: what computes there has the others wait.
package func offPool<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
  }
}

package func temporaryFolder() throws -> String {
  let path = FileManager.default.temporaryDirectory.path + "/submission-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  return path
}

/// Waits until something has become true; fails the test where it does not.
package func eventually(
  _ what: String, seconds: Int = 30, sourceLocation: SourceLocation = #_sourceLocation,
  _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + .seconds(seconds)
  while ContinuousClock.now < end {
    if try await condition() { return }
    try await Task.sleep(for: .milliseconds(50))
  }
  // However long the machine was busy with something else.
  if try await condition() { return }
  Issue.record("not within \(seconds) s: \(what)", sourceLocation: sourceLocation)
}
