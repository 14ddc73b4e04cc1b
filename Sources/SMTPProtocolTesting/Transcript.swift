public import SMTPProtocol

/// A dialogue as documents write it: a line that begins with `C: ` is what the client sends, one with `S: ` what the server
/// must answer. `C: <TLS>` stands for the handshake.
///
/// A client's line gets CRLF, unless it ends in `\` (nothing is added) after which the text goes on in the next line.
/// In both, `\r`, `\n`, `\0`, `\t` and `\xHH` stand for octets, `\\` for a backslash. A server's line may end in `…`:
/// whatever follows there is as good.
public struct Transcript: Sendable {
  /// How the client's octets are cut on their way.
  public enum Delivery: Sendable, CaseIterable {
    /// All lines up to the server's next at once.
    case whole
    /// Octet by octet.
    case octetByOctet
    /// All lines up to the next handshake at once, without a look at the answers between them.
    case coalesced
  }

  /// What was not as the transcript has it.
  public struct Mismatch: Error, CustomStringConvertible {
    /// What was expected and what came.
    public var description: String
  }

  private enum Line: Sendable { case client([UInt8]), tls, server(String) }
  private let lines: [Line]

  /// The transcript in `text`. Blank lines and lines that begin with `#` are left out.
  public init(_ text: String) throws {
    lines = try text.split(separator: "\n").compactMap { line in
      if line.hasPrefix("#") || line.allSatisfy(\.isWhitespace) { return nil }
      if line == "C: <TLS>" { return .tls }
      if line.hasPrefix("S:") { return .server(String(line.dropFirst(3))) }
      guard line.hasPrefix("C:") else { throw Mismatch(description: "neither C: nor S: begins \(line)") }
      return .client(try Self.octets(line.dropFirst(3)))
    }
  }

  /// Plays the client against a session, and compares what it answers.
  public func run<Policy: SubmissionPolicy>(
    _ driver: SessionDriver<Policy>, delivery: Delivery = .whole
  ) async throws {
    var answers = Answers(await driver.connect())
    var pending: [UInt8] = []
    func deliver() async {
      switch delivery {
      case .whole, .coalesced: answers.append(await driver.receive(pending))
      case .octetByOctet: for octet in pending { answers.append(await driver.receive([octet])) }
      }
      pending = []
    }
    var unanswered: [String] = []
    func settle() async throws {
      await deliver()
      for expected in unanswered { try answers.expect(expected) }
      unanswered = []
    }
    for line in lines {
      switch line {
      case .client(let octets): pending += octets
      case .tls:
        try await settle()
        guard driver.wantsTLS else { throw Mismatch(description: "the server does not begin TLS") }
        driver.startTLS()
      case .server(let expected):
        unanswered.append(expected)
        if delivery != .coalesced { try await settle() }
      }
    }
    try await settle()
    try answers.expectEnd()
  }

  private static func octets(_ line: Substring) throws -> [UInt8] {
    var octets: [UInt8] = []
    var rest = line.utf8[...]
    while let octet = rest.popFirst() {
      guard octet == UInt8(ascii: "\\") else {
        octets.append(octet)
        continue
      }
      switch rest.popFirst() {
      case UInt8(ascii: "r"): octets.append(13)
      case UInt8(ascii: "n"): octets.append(10)
      case UInt8(ascii: "t"): octets.append(9)
      case UInt8(ascii: "0"): octets.append(0)
      case UInt8(ascii: "\\"): octets.append(UInt8(ascii: "\\"))
      case UInt8(ascii: "x"):
        guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
          throw Mismatch(description: "bad \\x in \(line)")
        }
        octets.append(value)
        rest = rest.dropFirst(2)
      case nil: return octets
      default: throw Mismatch(description: "bad escape in \(line)")
      }
    }
    return octets + [13, 10]
  }

  private struct Answers {
    private var lines: [String] = []
    private var rest: [UInt8] = []

    init(_ octets: [UInt8]) { append(octets) }

    mutating func append(_ octets: [UInt8]) {
      rest += octets
      while let end = rest.indices.dropLast().first(where: { rest[$0] == 13 && rest[$0 + 1] == 10 }) {
        lines.append(String(decoding: rest[..<end], as: UTF8.self))
        rest.removeFirst(end + 2)
      }
    }

    mutating func expect(_ expected: String) throws {
      guard !lines.isEmpty else { throw Mismatch(description: "expected \(expected), and nothing came") }
      let line = lines.removeFirst()
      let matches = expected.hasSuffix("…") ? line.hasPrefix(expected.dropLast()) : line == expected
      if !matches { throw Mismatch(description: "expected \(expected), got \(line)") }
    }

    func expectEnd() throws {
      if let line = lines.first { throw Mismatch(description: "expected nothing more, got \(line)") }
      if !rest.isEmpty { throw Mismatch(description: "a reply without CRLF: \(rest)") }
    }
  }
}
