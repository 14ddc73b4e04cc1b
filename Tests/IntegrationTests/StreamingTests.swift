import Foundation
import PeerTesting
import Testing

/// Bodies stream: a message costs the process its windows, on the way in, in the queue and on the way out.
@Suite(.serialized) struct StreamingTests {
  enum Way: String, CaseIterable, Sendable {
    /// Into files, by the folder transport.
    case folder
    /// To a host, by the relay transport.
    case relay
  }

  private static let messages = 6
  /// The greatest message that the server takes, its SIZE.
  private static let size = 31_457_280
  /// What a message may hold at a time, in octets. In: its window of 256 KiB, in an array that was made for twice that when
  /// the last piece came, and the array that it grew from: 768 KiB; a read, and what TLS makes of it: 64 KiB. Out: 64 KiB
  /// as they were read, dot-stuffed, in the channel's buffer, and encrypted: 256 KiB.
  private static let window = (768 + 64 + 256) << 10
  /// What threads, connections and the allocator take for their own.
  private static let rest = 8 << 20

  @Test(.needs(.curl, .smtpSink), arguments: Way.allCases) func sixOfThirtyMebibytesAtOnce(way: Way) async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let port = try ReservedPort()
    defer { port.release() }
    let sink = way == .relay ? try Sink(folder: folder, port: port) : nil
    defer { sink?.stop() }
    // With a generated password: to check one of a user's own takes 16 MiB (scrypt).
    let server = try await DemoServer.start(
      data: folder + "/data", relay: way == .relay ? "127.0.0.1:\(port.number)" : nil, username: nil, password: nil)

    // Everything is touched once, so that what follows is the messages alone.
    let first = try LargeMessage(number: 0, size: 1_000_000, folder: folder)
    try await first.expectArrived(try await first.send(to: server), by: way, at: server)
    let before = try server.residentOctets()
    let large = try (1...Self.messages).map { try LargeMessage(number: $0, size: Self.size, folder: folder) }
    let ids = try await withThrowingTaskGroup(of: (Int, String).self) { group in
      for message in large { group.addTask { (message.number, try await message.send(to: server)) } }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    for message in large { try await message.expectArrived(try #require(ids[message.number]), by: way, at: server) }

    let growth = try server.residentOctets(peak: true) - before
    let limit = Self.messages * Self.window + Self.rest
    #expect(limit < Self.size, "the whole of one of them would show")
    #expect(growth < limit, "grew by \(growth) octets")
    #expect(try await server.stop() == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/data/spool") == [])
  }
}

/// A message in a file, of lines that occur once, some of which begin with a dot.
private struct LargeMessage: Sendable {
  let number: Int
  private let size: Int
  private let path: String

  init(number: Int, size: Int, folder: String) throws {
    (self.number, self.size, path) = (number, size, "\(folder)/message-\(number)")
    try content(lineEnd: "\r\n").write(to: URL(filePath: path))
  }

  /// The same text, so many octets where lines end in CRLF.
  private func content(lineEnd: String) -> Data {
    let head = ["From: Mailer <mailer@example.com>", "Subject: large \(number)", "", ""]
    var content = Data(head.joined(separator: lineEnd).utf8)
    let filler = Data(String(repeating: String(repeating: "\(number) ", count: 38) + lineEnd, count: 15).utf8)
    var (rest, line) = (size - head.joined(separator: "\r\n").utf8.count, 0)
    while rest > 2_000 {
      let text = ".\(number).\(line)"
      content += Data((text + lineEnd).utf8)
      content += filler
      rest -= text.utf8.count + 2 + 15 * (76 + 2)
      line += 1
    }
    while rest > 0 {
      let length = rest > 900 ? 798 : rest - 2
      content += Data((String(repeating: "=", count: length) + lineEnd).utf8)
      rest -= length + 2
    }
    return content
  }

  /// By curl.
  ///
  /// - Returns: its queue ID.
  func send(to server: DemoServer) async throws -> String {
    let login = "\(server.announcement.username):\(try #require(server.announcement.password))"
    let result = try await run(
      .curl,
      [
        "-sv", "--ssl-reqd", "--cacert", server.announcement.certificate,
        "smtp://127.0.0.1:\(server.announcement.port)", "--user", login, "--mail-from",
        "mailer@example.com", "--mail-rcpt", "recipient@example.org", "--upload-file", path,
      ], seconds: 240)
    #expect(result.status == 0, "\(result.output.suffix(1000))")
    return try queueID(in: result.output)
  }

  /// Waits until it is delivered, and compares what arrived with what was sent, byte for byte.
  func expectArrived(_ id: String, by way: StreamingTests.Way, at server: DemoServer) async throws {
    try await eventually("\(id) delivered", seconds: 120) { try await server.state(id) == "delivered" }
    let (sent, received) =
      switch way {
      case .folder: (content(lineEnd: "\r\n"), try data("\(server.data)/delivered/\(id).eml"))
      case .relay: (content(lineEnd: "\n"), try sunk(id, beside: server.data))
      }
    let start = received.count - sent.count
    try #require(start > 0)
    #expect(received.suffix(from: received.startIndex + start) == sent, "message \(number) arrived otherwise")
    let added = String(decoding: received.prefix(start), as: UTF8.self)
    #expect(added.contains("Received: from ") && added.contains(id))
  }

  /// What `smtp-sink` wrote: lines as the system has them, and an empty one at the end.
  private func sunk(_ id: String, beside folder: String) throws -> Data {
    let sink = URL(filePath: folder).deletingLastPathComponent().path + "/sink"
    let files = try FileManager.default.contentsOfDirectory(atPath: sink).map { try data("\(sink)/\($0)") }
    let file = try #require(files.first { String(decoding: $0.prefix(2_000), as: UTF8.self).contains(id) })
    #expect(file.last == 10)
    return file.dropLast()
  }

  private func data(_ path: String) throws -> Data { try Data(contentsOf: URL(filePath: path), options: .alwaysMapped) }
}
