import Foundation
import PeerTesting
import Testing

/// The example `submission-server demo` as a process of its own, on ports that the system chose.
final class DemoServer: Sendable {
  struct Announcement: Decodable, Sendable {
    var host: String
    var port: Int
    var tlsPort: Int
    var username: String
    var password: String?
    var domain: String
    var certificate: String
    var data: String
  }

  struct Status: Decodable, Sendable {
    struct Recipient: Decodable, Sendable {
      var address: String
      var state: String
      var attempts: Int
      var reply: String?
    }
    var queueID: String
    var sender: String
    var recipients: [Recipient]
  }

  let announcement: Announcement
  private let child: Child

  /// Starts and waits until it listens.
  ///
  /// - Parameter log: where to write what it says; beside its data if not said.
  static func start(
    data: String, relay: String? = nil, username: String? = "username", password: String? = "password",
    log: String? = nil, options: [String] = []
  ) async throws -> DemoServer {
    try await offPool {
      var arguments = ["demo", "--port", "0", "--tls-port", "0", "--json", "--data", data]
      if let relay { arguments += ["--relay", relay] }
      if let username { arguments += ["--username", username] }
      if let password { arguments += ["--password", password] }
      return try DemoServer(arguments + options, log: log ?? data + ".log")
    }
  }

  private init(_ arguments: [String], log: String) throws {
    if !FileManager.default.fileExists(atPath: log) { _ = FileManager.default.createFile(atPath: log, contents: nil) }
    let errors = try FileHandle(forWritingTo: URL(filePath: log))
    try errors.seekToEnd()
    let pipe = Pipe()
    child = try Child(try Self.executable(), arguments, input: nil, output: pipe.fileHandleForWriting, errors: errors)
    try pipe.fileHandleForWriting.close()
    var line = Data()
    while !line.contains(10) {
      let chunk = pipe.fileHandleForReading.availableData
      guard !chunk.isEmpty else {
        let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        throw Failure(description: "the server ended: \(said)")
      }
      line += chunk
    }
    announcement = try JSONDecoder().decode(Announcement.self, from: line)
  }

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// The built example lies beside the tests.
  static func executable() throws -> String {
    let tests = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    let candidates = [tests, URL(filePath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent()]
    let paths = candidates.map { $0.path + "/submission-server" }
    return try #require(paths.first { FileManager.default.isExecutableFile(atPath: $0) }, "no submission-server built")
  }

  /// `kill -9`.
  func killNow() async throws {
    try await offPool { [child] in
      child.signal(SIGKILL)
      _ = child.wait(seconds: 10)
    }
  }

  /// Ctrl-C.
  ///
  /// - Returns: the exit status.
  @discardableResult func stop() async throws -> Int32 {
    try await offPool { [child] in
      child.signal(SIGINT)
      return child.wait(seconds: 60)
    }
  }

  /// Waits until it ends by itself; kills it where it does not.
  ///
  /// - Returns: the exit status.
  func end(seconds: Int = 30) async throws -> Int32 {
    try await offPool { [child] in child.wait(seconds: seconds) }
  }

  var data: String { announcement.data }

  var processIdentifier: Int32 { child.processIdentifier }

  /// What `status QUEUE-ID --json` says.
  static func status(_ queueID: String, data: String) async throws -> Status {
    let result = try await run(try executable(), ["status", queueID, "--data", data, "--json"])
    try #require(result.status == 0, "\(result.output)")
    return try JSONDecoder().decode(Status.self, from: Data(result.output.utf8))
  }

  /// The state of the only recipient.
  func state(_ queueID: String) async throws -> String? {
    try await Self.status(queueID, data: data).recipients.first?.state
  }

  /// The message that the folder transport wrote.
  func delivered(_ queueID: String) throws -> String {
    try String(contentsOfFile: "\(data)/delivered/\(queueID).eml", encoding: .utf8)
  }
}

/// The queue ID in `250 2.0.0 Ok: queued as …`, wherever it stands.
func queueID(in output: String) throws -> String {
  let mark = try #require(output.firstRange(of: "Ok: queued as "), "\(output)")
  return String(output[mark.upperBound...].prefix(26))
}
