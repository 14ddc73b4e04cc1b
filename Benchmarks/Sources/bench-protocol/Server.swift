import MailModel
import SMTPProtocol

/// A server session whose policy says yes to everything and keeps nothing, so that what is measured is the machine alone.
final class Server {
  private var session: ServerSession
  private var replies: [UInt8] = []
  private let now = MonotonicInstant(nanoseconds: 0)

  /// A session behind EHLO.
  init(_ change: (inout Limits) -> Void = { _ in }) {
    guard let name = DomainName("mail.example.net") else { fail("the server has no name") }
    var configuration = ServerConfiguration(hostName: name)
    configuration.security = .plaintext
    configuration.requiresAuthentication = false
    configuration.limits.messages = .max
    configuration.limits.messageSize = .max
    configuration.limits.textLine = .max
    change(&configuration.limits)
    session = ServerSession(configuration: configuration)
    replies.reserveCapacity(4_096)
    guard case .ask(let question) = session.start(at: now) else { fail("no question to begin with") }
    session.resume(Self.answer(question), at: now, replies: &replies)
    send(Array("EHLO client.example.org\r\n".utf8))
    offersChunking = String(decoding: replies, as: UTF8.self).contains("CHUNKING")
  }

  /// Whether it takes BDAT.
  private(set) var offersChunking = false

  /// A session that has said 354.
  static func inContent() -> Server {
    let server = Server()
    server.openTransaction()
    server.expect("354", Array("DATA\r\n".utf8))
    return server
  }

  /// MAIL and RCPT.
  func openTransaction() {
    expect("250", Array("MAIL FROM:<a@example.com>\r\n".utf8))
    expect("250", Array("RCPT TO:<b@example.org>\r\n".utf8))
  }

  /// Sends octets, and sees to it that the last line of the replies to them begins with `code`.
  func expect(_ code: StaticString, _ octets: [UInt8]) {
    send(octets)
    let matches = code.withUTF8Buffer { replies.starts(with: $0) }
    if !matches { fail("not \(code) but \(String(decoding: replies, as: UTF8.self))") }
  }

  func send(_ octets: [UInt8]) { send(octets.span) }

  /// Shows octets until the session wants more.
  func send(_ octets: Span<UInt8>) { Self.send(octets, to: &session, at: now, replies: &replies) }

  /// Takes what belongs to the object once and not in each step, so that the checks of exclusive access are not what is measured.
  private static func send(
    _ octets: Span<UInt8>, to session: inout ServerSession, at now: MonotonicInstant, replies: inout [UInt8]
  ) {
    replies.removeAll(keepingCapacity: true)
    var offset = 0
    while true {
      let step = session.receive(octets.extracting(offset...), at: now, replies: &replies)
      offset += step.consumed
      switch step.action {
      case .read:
        if offset < octets.count { fail("a line is not whole") }
        return
      case .ask(let question): session.resume(answer(question), at: now, replies: &replies)
      case .content, .abandonMessage: break
      default: fail("the session ends: \(String(decoding: replies, as: UTF8.self))")
      }
    }
  }

  /// Shows a line without its end.
  func sendPart(_ octets: [UInt8]) {
    guard case .read = session.receive(octets.span, at: now, replies: &replies).action else {
      fail("the line is long, and no longer")
    }
  }

  private static let queued = SMTPReply(250, EnhancedStatusCode(.success, 0, 0), "Ok: queued")

  private static func answer(_ question: SessionQuestion) -> SessionAnswer {
    switch question {
    case .connection: .connected(mechanisms: [], extensions: .all)
    case .endOfMessage: .finished(queued)
    default: .accept
    }
  }
}
