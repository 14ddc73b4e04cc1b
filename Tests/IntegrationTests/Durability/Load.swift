import Foundation
import PeerTesting
import Testing

/// A message that a server has answered for.
struct Acknowledgement: Sendable {
  var mark: String
  var queueID: String
  var recipients: Int
}

/// What senders heard, written down by them once they had read it, outside the disk under test.
struct Journal: Sendable {
  let path: String

  init(folder: String) {
    path = folder + "/journal"
    _ = FileManager.default.createFile(atPath: path, contents: nil)
  }

  func acknowledgements() throws -> [Acknowledgement] {
    try lines().filter { $0.first == "250" }.map { words in
      try #require(words.count == 4)
      return Acknowledgement(
        mark: words[1], queueID: words[2], recipients: try #require(Int(words[3])))
    }
  }

  /// The replies to messages that were not taken: code, mark, text.
  func refusals() throws -> [[String]] { try lines().filter { $0.first != "250" } }

  /// Strikes out what senders that are gone wrote behind so many octets.
  func cut(behind octets: Int) throws {
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    defer { try? file.close() }
    try file.truncate(atOffset: UInt64(octets))
  }

  private func lines() throws -> [[String]] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
      line.split(separator: " ", maxSplits: line.hasPrefix("250") ? 3 : 2).map(String.init)
    }
  }
}

/// Senders that pour messages into a server, by STARTTLS and AUTH, until it is gone. Each message bears a mark and a body
/// that can be told from every other; some have several recipients, and some are so large that the spool takes them.
final class Load: Sendable {
  private let child: Child
  private let output: FileHandle

  /// - Parameters:
  ///   - label: what the marks begin with; another for each load.
  ///   - limit: messages that each sender sends at most.
  ///   - largeEach: every so many messages, one is large.
  init(
    to server: DemoServer, password: String, label: String, journal: Journal, senders: Int = 8, limit: Int = 1_000_000,
    largeEach: Int = 10
  ) throws {
    let pipe = Pipe()
    child = try Child(
      try #require(Peer.python3.path),
      [
        "-c", Self.script, "\(server.announcement.port)", server.announcement.certificate, password, label,
        journal.path, "\(senders)", "\(limit)", "\(largeEach)",
      ], input: nil, output: pipe.fileHandleForWriting, errors: .standardError)
    try pipe.fileHandleForWriting.close()
    output = pipe.fileHandleForReading
  }

  /// Returns when all senders have logged in and begin.
  func begin() async throws {
    let said = try await offPool { [output] in firstLine(of: output) }
    try #require(said == "begun", "the senders could not log in")
  }

  /// Waits until the senders have sent all, or have lost their server. A sender that could not read a reply leaves
  /// nothing in the journal.
  func end() async throws {
    try await offPool { [child] in
      let status = child.wait(seconds: 120)
      try #require(status == 0, "the senders failed")
    }
  }

  private static let script = #"""
    import hashlib, multiprocessing, os, random, smtplib, ssl, sys

    port, certificate, password, label, journal = int(sys.argv[1]), *sys.argv[2:6]
    senders, limit, large_each = map(int, sys.argv[6:9])
    journal = os.open(journal, os.O_WRONLY | os.O_APPEND)
    # Lines of printable octets, some of which begin with a dot.
    stock = b"\r\n".join((b"." if n % 7 == 0 else b"") + hashlib.sha512(b"%d" % n).hexdigest().encode()
      for n in range(5_000))

    def message(mark, number):
      length = 280_000 + random.randrange(100_000) if number % large_each == large_each - 1 \
        else random.randrange(1, 8_000)
      start = random.randrange(len(stock) - length)
      body = mark.encode() + b"\r\n" + stock[start:start + length].strip() + b"\r\n"
      subject = f"Subject: {mark} {len(body)} {hashlib.sha256(body).hexdigest()}\r\n"
      return b"From: mailer@example.com\r\n" + subject.encode() + b"\r\n" + body

    def send(server, mark, number):
      recipients = number % 5 // 3 * 2 + 1
      code, text = server.mail("mailer@example.com")
      try:
        if code == 250:
          for n in range(recipients): server.rcpt(f"recipient{n}@example.org")
          code, text = server.data(message(mark, number))
      except smtplib.SMTPDataError as error: code, text = error.smtp_code, error.smtp_error
      text = text.decode().replace("\n", " ")
      queued = f"{text.rsplit(' ', 1)[1]} {recipients}"
      os.write(journal, f"{code} {mark} {queued if code == 250 else text}\n".encode())

    def work(sender, barrier):
      random.seed(f"{label}-{sender}")
      try:
        server = smtplib.SMTP("127.0.0.1", port, timeout=60)
        server.starttls(context=ssl.create_default_context(cafile=certificate))
        server.login("username", password)
        barrier.wait(60)
        for number in range(limit): send(server, f"{label}-{sender}-{number}", number)
        server.quit()
      except (OSError, smtplib.SMTPServerDisconnected): pass  # the server is gone

    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(senders + 1)
    processes = [context.Process(target=work, args=(n, barrier), daemon=True) for n in range(senders)]
    for process in processes: process.start()
    barrier.wait(60)
    print("begun", flush=True)
    for process in processes: process.join()
    sys.exit(any(process.exitcode for process in processes))
    """#
}
