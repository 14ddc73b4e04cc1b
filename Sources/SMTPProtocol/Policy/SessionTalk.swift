import MailModel

/// What a ``PolicyDialogue`` says to the policy's session.
///
/// It, ``ExchangeTalk`` and ``MessageTalk`` are generic in one type each that they hold plainly, and each question has a method
/// of its own: code that is generic in many types, or in what may be there, looks up metadata of them all in every call.
final class SessionTalk<Session: PolicySession> {
  let session: Session
  var exchange: ExchangeTalk<Session.Exchange>?
  private(set) var message: MessageTalk<Session.Sink>?

  init(_ session: Session) { self.session = session }

  @inline(never)
  func authenticate(_ mechanism: String, _ response: [UInt8]?) async -> SessionAnswer {
    exchange = ExchangeTalk(await session.authenticate(mechanism))
    return await step(response)
  }

  @inline(never)
  func step(_ response: [UInt8]?) async -> SessionAnswer {
    guard let step = await exchange?.step(response) else { return .authentication(.failure(.outOfTurn)) }
    if case .challenge = step { return .authentication(step) }
    exchange = nil
    return .authentication(step)
  }

  @inline(never)
  func sender(_ sender: SenderRequest) async -> SessionAnswer { SessionAnswer(await session.sender(sender)) }

  @inline(never)
  func recipient(_ recipient: Recipient) async -> SessionAnswer { SessionAnswer(await session.recipient(recipient)) }

  @inline(never)
  func beginMessage(_ request: MessageRequest) async -> SessionAnswer {
    switch await session.beginMessage(request) {
    case .accept(let sink):
      message = MessageTalk(sink)
      return .accept
    case .refuse(let reply): return .refuse(reply)
    }
  }

  @inline(never)
  func endMessage() async -> SessionAnswer {
    guard let message else { return .finished(.outOfTurn) }
    self.message = nil  // its fate is in its own hands from here on
    return .finished(await message.finish())
  }

  func abandonMessage() {
    message?.abort()
    message = nil
  }
}

/// The exchange under way.
final class ExchangeTalk<Exchange: AuthenticationExchange> {
  private let exchange: Exchange

  init(_ exchange: Exchange) { self.exchange = exchange }

  func step(_ response: [UInt8]?) async -> AuthenticationStep { await exchange.step(response) }
}

/// The message that is coming.
final class MessageTalk<Sink: MessageSink> {
  private let sink: Sink

  init(_ sink: Sink) { self.sink = sink }

  func write(_ octets: Span<UInt8>) -> Bool { sink.write(octets) }
  func drained() async { await sink.drained() }
  func finish() async -> SMTPReply { await sink.finish() }
  func abort() { sink.abort() }
}

extension SessionAnswer {
  fileprivate init(_ decision: PolicyDecision) {
    switch decision {
    case .accept: self = .accept
    case .refuse(let reply): self = .refuse(reply)
    }
  }
}
