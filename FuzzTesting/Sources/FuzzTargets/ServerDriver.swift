import MailModel
import SMTPProtocol

/// Drives a ``SMTPProtocol/ServerSession`` as its documentation asks, answers its questions as the decisions say, and looks
/// at every step: whether it is one that may come here, and whether its range, its progress and its replies are lawful.
final class ServerDriver {
  /// A message whose end the policy was asked about.
  struct Message: Hashable {
    var request: MessageRequest
    var content: [UInt8]
    var reply: SMTPReply
  }

  private(set) var trace = Trace<SessionQuestion>()
  private(set) var messages: [Message] = []
  private(set) var isClosed = false
  /// Octets of the stream that the session is done with.
  private(set) var position = 0
  /// Replies since somebody took them.
  private(set) var replies: [UInt8] = []
  /// Where in the stream the last message ended, or was refused.
  private(set) var endOfMessage: Int?

  private var session: ServerSession
  private var answers: Decisions
  private var order: QuestionOrder
  private let limits: Limits
  private var stream: [UInt8] = []
  private var now = MonotonicInstant(nanoseconds: 3_600_000_000_000)
  private var content: [UInt8] = []
  private var replyOctets = 0
  private var steps = 0

  init(_ configuration: ServerConfiguration, answers: Decisions = Decisions([])) {
    session = ServerSession(configuration: configuration)
    order = QuestionOrder(configuration)
    (limits, self.answers) = (configuration.limits, answers)
    let tls = configuration.security == .implicitTLS ? TLSFacts(version: "TLSv1.3") : nil
    order.tls = tls
    perform(session.start(tls: tls, at: now))
    feed([])
  }

  /// The client sends octets, all of which the session sees before this returns.
  func feed(_ octets: some Sequence<UInt8>) {
    stream.append(contentsOf: octets)
    while !isClosed {
      let before = replies.count
      let shown = stream.count - position
      let step = session.receive(stream.span.extracting(position...), at: now, replies: &replies)
      require((0...shown).contains(step.consumed), "consumed what was not shown")
      let start = position
      position += step.consumed
      noteReplies(since: before)
      if case .content(let range) = step.action {
        require(!range.isEmpty && range.lowerBound >= 0 && range.upperBound <= step.consumed, "content out of range")
        order.content()
        content += stream[start + range.lowerBound..<start + range.upperBound]
        require(content.count <= limits.messageSize, "more content than a message may have")
      }
      steps += 1
      require(steps <= 4 * stream.count + 64, "the session does not get on")
      if case .read = step.action { break }
      perform(step.action)
    }
    if !isClosed {
      let rest = stream.count - position
      require(rest <= max(limits.commandLine, limits.authenticationLine), "asks for more than a line at once")
    }
  }

  func takeReplies() -> [UInt8] {
    defer { replies = [] }
    return replies
  }

  /// Time goes by, to the session's own deadline where it has one and `isUp` says so.
  func wait(_ duration: Duration, untilTimeIsUp isUp: Bool) {
    guard !isClosed else { return }
    now = now.advanced(by: duration)
    let deadline = session.nextDeadline
    if isUp, let deadline, deadline > now { now = deadline }
    let before = replies.count
    let action = session.expire(at: now, replies: &replies)
    noteReplies(since: before)
    if let deadline, deadline <= now { require(action != .read, "time was up and nothing happened") }
    perform(action)
    if case .abandonMessage = action {
      require(session.expire(at: now, replies: &replies) == .close, "time was up and the session goes on")
      perform(.close)
    }
  }

  func shutDown() {
    guard !isClosed else { return }
    let before = replies.count
    let action = session.shutDown(replies: &replies)
    noteReplies(since: before)
    perform(action)
    if action == .read { feed([]) }
  }

  /// The stream is over.
  func finish() { if !content.isEmpty { trace.add(.content(content)) } }

  private func noteReplies(since start: Int) {
    guard replies.count > start else { return }
    let said = Array(replies[start...])
    _ = ReplyGrammar.count(said)
    replyOctets += said.count
    require(replyOctets <= 4_096 + 1_024 * stream.count, "more replies than the input can ask for")
    if order.hasRefusedMessage {
      order.hasRefusedMessage = false
      endOfMessage = position
    }
    trace.addOctets(said)
  }

  private func perform(_ action: SessionAction) {
    switch action {
    case .read, .content: break
    case .ask(let question):
      trace.add(.question(question))
      let before = replies.count
      let answer = answer(question)
      order.answer(question, answer)
      now = now.advanced(by: .milliseconds(1))
      session.resume(answer, at: now, replies: &replies)
      noteReplies(since: before)
    case .abandonExchange:
      order.abandonExchange()
      trace.add(.mark("abandon exchange"))
    case .abandonMessage:
      order.abandonMessage()
      trace.add(.mark("abandon message"))
      content = []
    case .startTLS:
      require(position == stream.count, "TLS begins with octets in clear behind STARTTLS")
      let tls = TLSFacts(version: "TLSv1.3")
      order.startTLS(tls)
      trace.add(.mark("TLS"))
      session.tlsStarted(tls, mechanisms: QuestionOrder.mechanisms, at: now)
    case .close:
      isClosed = true
      content = []
      trace.add(.mark("close"))
    @unknown default: fatalError("an action that nobody here knows")
    }
  }

  private func answer(_ question: SessionQuestion) -> SessionAnswer {
    switch question {
    case .connection:
      switch answers.next(below: 8) {
      case 6: .refuse(Self.refusals[0])
      case 7: .refuse(Self.refusals[2])
      case 5: .connected(mechanisms: [], extensions: [])
      default: .connected(mechanisms: QuestionOrder.mechanisms, extensions: .all)
      }
    case .authentication, .authenticationResponse:
      switch answers.next(below: 6) {
      case 0: .authentication(.success(identity: "somebody"))
      case 1: .authentication(.challenge(Array("Username:".utf8)))
      case 2: .authentication(.challenge([]))
      default: .authentication(.failure(answers.next(of: Self.refusals)))
      }
    case .sender, .recipient, .message:
      answers.next(below: 4) < 3 ? .accept : .refuse(answers.next(of: Self.refusals))
    case .endOfMessage:
      finished(answers.next(below: 4) < 3 ? SMTPReply(250, nil, "Ok: queued") : answers.next(of: Self.refusals))
    @unknown default: fatalError("a question that nobody here knows")
    }
  }

  private func finished(_ reply: SMTPReply) -> SessionAnswer {
    guard let request = order.request else { fatalError("the end of a message that did not begin") }
    messages.append(Message(request: request, content: content, reply: reply))
    trace.add(.content(content))
    content = []
    endOfMessage = position
    return .finished(reply)
  }

  private static let refusals = [
    SMTPReply(554, EnhancedStatusCode(.permanentFailure, 7, 1), "No"),
    SMTPReply(450, EnhancedStatusCode(.persistentTransientFailure, 7, 1), "Not now"),
    SMTPReply(421, nil, "Gone"),
    SMTPReply(550, nil, lines: ["Words\r\n250 of somebody \u{0} else", "Wörter"]),
  ]
}
