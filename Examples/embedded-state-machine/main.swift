// A server of one's own round the state machine: octets from standard input, replies to standard output. No event loop, no
// Foundation. Try it:
//
//   printf 'EHLO me\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nHello: you\r\n.\r\nQUIT\r\n' \
//     | swift run embedded-state-machine

import MailModel
import SMTPProtocol

guard let hostName = DomainName("embedded.example") else { exit(1) }
var configuration = ServerConfiguration(hostName: hostName)
configuration.security = .plaintext  // a pipe needs no TLS, and so has no AUTH
configuration.requiresAuthentication = false

let dialogue = PolicyDialogue(policy: PrintingPolicy(), connection: ConnectionFacts(client: nil))
var session = ServerSession(configuration: configuration)
var input: [UInt8] = []
var replies: [UInt8] = []

// The session begins with a question: may this client come in?
if case .ask(let question) = session.start(at: monotonicNow()) {
  session.resume(await dialogue.answer(question), at: monotonicNow(), replies: &replies)
}

conversation: while true {
  let step = session.receive(input.span, at: monotonicNow(), replies: &replies)
  var isFull = false
  // A range of the very input that was shown, so it is used before the input moves on.
  if case .content(let range) = step.action { isFull = !dialogue.write(input.span.extracting(range)) }
  input.removeFirst(step.consumed)
  switch step.action {
  case .read:
    writeOut(&replies)
    switch readIn(&input, until: session.nextDeadline) {
    case .octets: break
    case .end: break conversation
    case .timeout:
      // Says 421, and then that it is over.
      if case .abandonMessage = session.expire(at: monotonicNow(), replies: &replies) { dialogue.abandonMessage() }
    }
  case .ask(let question):
    session.resume(await dialogue.answer(question), at: monotonicNow(), replies: &replies)
  case .content: if isFull { await dialogue.drained() }
  case .abandonExchange: dialogue.abandonExchange()
  case .abandonMessage: dialogue.abandonMessage()
  case .startTLS, .close: break conversation
  @unknown default: break conversation
  }
}
writeOut(&replies)
dialogue.abandonMessage()
