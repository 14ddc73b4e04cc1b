import Foundation
import PeerTesting
import Testing

/// One message that came to a ``CountingSink``.
struct Arrival: Sendable {
  /// Which life of the server delivered it.
  var life: Int
  var queueID: String
  /// The mark that its sender gave it.
  var mark: String
  var recipients: Int
  /// Whether the content is what the sender sent, to the octet.
  var isWhole: Bool
}

/// A next host on loopback that writes down each message before it answers for it, and checks it. It outlives the
/// servers that deliver to it, and each life of a server knows it by an address of its own, so that what a life began
/// cannot be taken for what the next one did, however late it is read.
final class CountingSink: Sendable {
  private let folder: String
  private let child: Child
  private let port: Int

  private var record: String { folder + "/arrivals" }

  init(folder: String) throws {
    self.folder = folder
    let output = Pipe()
    _ = FileManager.default.createFile(atPath: folder + "/arrivals", contents: nil)
    child = try Child(
      try #require(Peer.python3.path), ["-c", Self.script, folder + "/arrivals"], input: nil,
      output: output.fileHandleForWriting, errors: .standardError)
    try output.fileHandleForWriting.close()
    port = try #require(Int(firstLine(of: output.fileHandleForReading)))
  }

  /// Where a life of the server delivers to.
  ///
  /// - Parameter isSilent: it is not even greeted there, so that everything it accepts stays in its queue.
  func relay(forLife life: Int, isSilent: Bool = false) -> String {
    "127.\(isSilent ? 2 : 1).\(life / 250).\(life % 250 + 1):\(port)"
  }

  /// In the order in which they came.
  func arrivals() throws -> [Arrival] {
    try String(contentsOfFile: record, encoding: .utf8).split(separator: "\n").map { line in
      let words = line.split(separator: " ")
      try #require(words.count == 5)
      return Arrival(
        life: try #require(Int(words[0])), queueID: String(words[1]), mark: String(words[2]),
        recipients: try #require(Int(words[3])), isWhole: words[4] == "whole")
    }
  }

  func stop() {
    child.signal(SIGKILL)
    _ = child.wait(seconds: 10)
  }

  /// What is bound to the loopback device hears of nobody else. A message says in its subject how long its body is, and
  /// what its digest is.
  private static let script = #"""
    import asyncio, hashlib, os, re, socket, sys

    record = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)

    def note(life, content, recipients):
      header, body = content.split(b"\r\n\r\n", 1)
      queue_id = re.search(rb"\bid (\w{26})", header).group(1).decode()
      mark, length, digest = re.search(rb"(?m)^Subject: (\S+) (\d+) (\w+)\r?$", header).groups()
      whole = len(body) == int(length) and hashlib.sha256(body).hexdigest() == digest.decode()
      line = f"{life} {queue_id} {mark.decode()} {recipients} {'whole' if whole else 'torn'}\n"
      os.write(record, line.encode())

    async def talk(reader, writer):
      _, kind, high, low = map(int, writer.get_extra_info("sockname")[0].split("."))
      life = high * 250 + low - 1
      if kind == 2: return await reader.read()
      writer.write(b"220 sink\r\n")
      recipients = 0
      while line := await reader.readline():
        verb = line[:4].upper()
        if verb == b"EHLO": writer.write(b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
        elif verb == b"DATA":
          writer.write(b"354 go on\r\n")
          stuffed = await reader.readuntil(b"\r\n.\r\n")
          content = (b"\r\n" + stuffed).replace(b"\r\n..", b"\r\n.")[2:-3]
          note(life, content, recipients)
          writer.write(b"250 taken\r\n")
        elif verb == b"QUIT": return writer.write(b"221 bye\r\n")
        else:
          recipients = recipients + 1 if verb == b"RCPT" else 0
          writer.write(b"250 ok\r\n")

    async def serve(reader, writer):
      try: await talk(reader, writer)
      except (OSError, asyncio.IncompleteReadError): pass  # the server was killed
      finally: writer.close()

    async def main():
      listener = socket.socket()
      listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
      listener.bind(("", 0))
      server = await asyncio.start_server(serve, sock=listener, limit=1 << 21, backlog=512)
      print(listener.getsockname()[1], flush=True)
      await server.serve_forever()

    asyncio.run(main())
    """#
}

extension Trait where Self == ConditionTrait {
  /// Runs tests only where a ``CountingSink`` can be: it takes every address of 127/8, and binds itself to a device.
  static var countsArrivals: Self {
    #if os(Linux)
    .enabled(if: true)
    #else
    .disabled("not Linux: no next host with an address for each life of a server")
    #endif
  }
}
