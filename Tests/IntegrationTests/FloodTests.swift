import Foundation
import PeerTesting
import Testing

/// What is poured into a server by somebody who means no mail. The server stays small, lets go of the flood by itself or
/// reads it to its end, and serves others meanwhile.
@Suite(.serialized) struct FloodTests {
  enum Flood: String, CaseIterable, Sendable {
    /// Random octets in pieces of 24 KiB, on one connection after another.
    case random
    /// A command line of 1 GiB.
    case line
    /// A line of 1 GiB within DATA.
    case content
    /// A million chunks of one octet.
    case chunks
    /// A million recipients.
    case recipients
    /// A million commands that do nothing.
    case noops
  }

  /// Pours until all is taken or the server has had enough, and prints how many octets went and what came last.
  private static let script = """
    import base64, os, socket, ssl, sys, threading
    kind, port = sys.argv[1], int(sys.argv[2])

    def connected(secured):
      connection = socket.create_connection(("127.0.0.1", port), timeout=60)
      def say(line):
        if line: connection.sendall(line)
        reply = b""
        while not reply.endswith(b"\\r\\n") or reply.splitlines()[-1][3:4] == b"-": reply += connection.recv(4096)
        return reply
      say(b"")
      say(b"EHLO flood.example.org\\r\\n")
      if secured:
        say(b"STARTTLS\\r\\n")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = context.wrap_socket(connection)
        say(b"EHLO flood.example.org\\r\\n")
        login = base64.b64encode(b"\\0username\\0password")
        assert say(b"AUTH PLAIN " + login + b"\\r\\n").startswith(b"235")
        assert say(b"MAIL FROM:<mailer@example.com>\\r\\n").startswith(b"250")
        assert say(b"RCPT TO:<recipient@example.org>\\r\\n").startswith(b"250")
        if kind == "content": assert say(b"DATA\\r\\n").startswith(b"354")
      return connection

    def pour(connection, pieces):
      last = [b""]
      def drain():
        try:
          while octets := connection.recv(65536): last[0] = (last[0] + octets)[-200:]
        except OSError: pass
      reader = threading.Thread(target=drain)
      reader.start()
      sent = 0
      try:
        for piece in pieces:
          connection.sendall(piece)
          sent += len(piece)
      except OSError: pass
      try: connection.shutdown(socket.SHUT_WR)
      except OSError: pass
      reader.join(60)
      connection.close()
      return sent, last[0].decode("latin-1").split("\\r\\n")[-2:-1]

    million, block = 1000000, b"a" * 65536
    if kind == "random":
      sent = sum(pour(connected(False), [os.urandom(24576) for _ in range(8)])[0] for _ in range(300))
      print(sent)
    elif kind == "line": print(pour(connected(False), (block for _ in range(16384))))
    elif kind == "content": print(pour(connected(True), (block for _ in range(16384))))
    elif kind == "chunks": print(pour(connected(True), (b"BDAT 1\\r\\nx" * 1000 for _ in range(million // 1000))))
    elif kind == "recipients":
      print(pour(connected(True), (b"".join(b"RCPT TO:<u%d@example.org>\\r\\n" % (i * 1000 + j) for j in range(1000))
        for i in range(million // 1000))))
    elif kind == "noops": print(pour(connected(True), (b"NOOP\\r\\n" * 1000 for _ in range(million // 1000))))
    """

  @Test(.needs(.python3, .swaks), arguments: Flood.allCases) func aFlood(flood: Flood) async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let server = try await DemoServer.start(data: folder + "/data")
    _ = try await send(to: server, subject: "before")
    let before = try server.residentOctets()
    async let pouring = run(
      .python3, ["-c", Self.script, flood.rawValue, "\(server.announcement.port)"], seconds: 300)
    let meanwhile = try await send(to: server, subject: "meanwhile")
    let poured = try await pouring
    #expect(poured.status == 0, "\(poured.output)")
    let growth = try server.residentOctets(peak: true) - before
    #expect(growth < 64 << 20, "grew by \(growth) octets; \(poured.output)")
    try await eventually("delivered") { try await server.state(meanwhile) == "delivered" }
    let after = try await send(to: server, subject: "after")
    try await eventually("delivered") { try await server.state(after) == "delivered" }
    #expect(try await server.stop() == 0)
  }
}

extension DemoServer {
  /// Octets of memory that the process occupies, now or at most so far.
  func residentOctets(peak: Bool = false) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(processIdentifier)/status", encoding: .utf8)
    let name = peak ? "VmHWM:" : "VmRSS:"
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(name) })
    let kibibytes = try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
    return kibibytes * 1024
  }
}
