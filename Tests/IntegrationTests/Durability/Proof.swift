import Foundation
import PeerTesting
import Testing

/// What kills, power cuts and failing disks do to messages that were answered with 250. One at a time, since each loads the
/// machine; docs/durability.md says how to run them at full length.
@Suite(.serialized, .countsArrivals) struct DurabilityTests {}

/// One proof: a folder for what must not lie on the disk under test, a sink, a journal, and the lives of a server.
final class Proof {
  let folder: String
  let sink: CountingSink
  let journal: Journal
  /// The server's data folder.
  let data: String
  /// The servers' deliveries at once.
  private let workers: Int
  private var lives = 0
  private var password: String?

  private init(folder: String, data: String?, workers: Int) throws {
    self.folder = folder
    self.workers = workers
    self.data = data ?? folder + "/data"
    sink = try CountingSink(folder: folder)
    journal = Journal(folder: folder)
  }

  /// - Parameters:
  ///   - data: the data folder, if it lies on a disk of its own.
  ///   - workers: deliveries at once; as many as a service has by default, if not said.
  static func run(data: String? = nil, workers: Int = 20, _ body: (Proof) async throws -> Void) async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let proof = try Proof(folder: folder, data: data, workers: workers)
    defer { proof.sink.stop() }
    try await body(proof)
  }

  /// Starts the server: another life, which knows the sink by an address of its own.
  ///
  /// - Parameter isSilent: the sink does not answer this life, so that what is accepted stays in the queue.
  func start(isSilent: Bool = false, options: [String] = []) async throws -> DemoServer {
    defer { lives += 1 }
    let server = try await DemoServer.start(
      data: data, relay: sink.relay(forLife: lives, isSilent: isSilent), password: nil, log: folder + "/log",
      options: options + ["--workers", "\(workers)"])
    // A password that was made is told once; its check costs next to nothing.
    password = password ?? server.announcement.password
    return server
  }

  /// Senders that have logged in and begin.
  func load(
    _ server: DemoServer, label: String, senders: Int = 8, limit: Int = 1_000_000, largeEach: Int = 10
  ) async throws -> Load {
    let load = try Load(
      to: server, password: try #require(password), label: label, journal: journal, senders: senders, limit: limit,
      largeEach: largeEach)
    try await load.begin()
    return load
  }

  /// A last life, which delivers what is left; then the accounts.
  func finish(seconds: Int = 120) async throws -> Accounts {
    let server = try await start()
    try await eventually("an empty queue", seconds: seconds) { [data] in try await queue(of: data).isEmpty }
    #expect(try await server.stop() == 0)
    return try await Accounts(journal: journal, sink: sink, data: data, workers: workers)
  }

  /// How often, in the suite; or as often as the environment says.
  static func count(_ variable: String, short: Int) -> Int {
    ProcessInfo.processInfo.environment[variable].flatMap(Int.init) ?? short
  }
}

/// What a program says first, without the line's end. Blocks.
func firstLine(of output: FileHandle) -> String {
  var line = Data()
  while line.last != 10, case let chunk = output.availableData, !chunk.isEmpty { line += chunk }
  return String(decoding: line.dropLast(), as: UTF8.self)
}
