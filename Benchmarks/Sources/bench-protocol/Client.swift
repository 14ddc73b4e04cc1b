import MailModel
import SMTPProtocol

/// A client session that was told 354.
final class Client {
  private var session: ClientSession
  private var output: [UInt8] = []
  private let now = MonotonicInstant(nanoseconds: 0)

  init() {
    guard let name = DomainName("client.example.org"), let recipient = Mailbox("b@example.org") else {
      fail("the client has no name")
    }
    var configuration = ClientConfiguration(helloName: name)
    configuration.security = .none
    session = ClientSession(configuration: configuration)
    _ = session.start(at: now)
    hear("220 mail.example.net ESMTP\r\n")
    hear("250 mail.example.net\r\n")
    let envelope = Envelope(reversePath: .null, recipients: [Recipient(.mailbox(recipient))])
    _ = session.begin(ClientTransaction(envelope: envelope), at: now, output: &output)
    hear("250 Ok\r\n")
    hear("250 Ok\r\n")
    guard hear("354 Go on\r\n") == .sendContent else { fail("no content is wanted") }
  }

  @discardableResult
  private func hear(_ reply: String) -> ClientAction {
    session.receive(Array(reply.utf8).span, at: now, output: &output).action
  }

  /// Makes content ready to send, and drops it.
  func write(_ octets: [UInt8]) {
    output.removeAll(keepingCapacity: true)
    guard session.writeContent(octets.span, at: now, output: &output) == .read else { fail("content is not sendable") }
  }
}
