public import MailModel
public import SMTPProtocol

/// A ``ClientSession`` that speaks with a ``ServerSession`` in memory: a whole dialogue, without sockets.
public final class SessionPair<Policy: SubmissionPolicy> {
  /// The server's side.
  public let server: SessionDriver<Policy>
  /// Why the client gave up, once it has.
  public private(set) var failure: ClientFailure?
  /// Octets of the content that the client is given at a time, 1 at least; default 65,536.
  public var pieceSize = 65_536
  /// Whether the client hears the server after each piece of the content, rather than only at its end; default `false`.
  public var readsBetweenPieces = false

  private var client: ClientSession
  private var output: [UInt8] = []
  private var input: [UInt8] = []

  /// A client that has not connected to `server` yet. With a server of ``ConnectionSecurity/startTLSRequired``, leave the
  /// client's security at ``ClientSecurity/required``: TLS then is a word between the two.
  public init(server: SessionDriver<Policy>, client configuration: ClientConfiguration) {
    self.server = server
    client = ClientSession(configuration: configuration)
  }

  /// Connects, secures, authenticates.
  ///
  /// - Returns: whether the server is ready for messages; otherwise ``failure`` says why not.
  public func connect() async -> Bool {
    var action = client.start(at: server.clock.now)
    if case .startTLS = action { action = client.tlsStarted(at: server.clock.now, output: &output) }
    input = await server.connect()
    if case .ready = await run(action, content: []) { return true }
    return false
  }

  /// Sends one message.
  ///
  /// - Returns: one outcome for each recipient, in the order of the envelope.
  public func send(_ envelope: Envelope, content: [UInt8]) async -> [ClientOutcome] {
    await send(ClientTransaction(envelope: envelope, size: content.count), content: content)
  }

  /// Sends one message.
  ///
  /// - Returns: one outcome for each recipient, in the order of the envelope.
  public func send(_ transaction: ClientTransaction, content: [UInt8]) async -> [ClientOutcome] {
    let action = client.begin(transaction, at: server.clock.now, output: &output)
    switch await run(action, content: content) {
    case .finished(let outcomes), .failed(_, let outcomes): return outcomes
    default: return []
    }
  }

  /// What the server offers, as the client understood it.
  package var capabilities: ClientCapabilities { client.capabilities }

  /// ``ClientSession/transactionsLeft``.
  package var transactionsLeft: Int? { client.transactionsLeft }

  /// ``ClientSession/passesNotifications``.
  package var passesNotifications: Bool { client.passesNotifications }

  /// All that the client said and the server heard, TLS or not.
  package private(set) var said: [UInt8] = []

  /// Says goodbye.
  public func quit() async {
    let action = client.quit(at: server.clock.now, output: &output)
    _ = await run(action, content: [])
  }

  private func give(_ content: [UInt8]) async -> ClientAction {
    var offset = 0
    while offset < content.count {
      let end = min(offset + max(1, pieceSize), content.count)
      var action = client.writeContent(content.span.extracting(offset..<end), at: server.clock.now, output: &output)
      if case .read = action, readsBetweenPieces { action = await exchange() }
      guard case .read = action else { return action }
      offset = end
    }
    return client.finishContent(at: server.clock.now, output: &output)
  }

  /// The server hears what the client has said, and the client what the server answers.
  private func exchange() async -> ClientAction {
    if !output.isEmpty {
      let sent = output
      output.removeAll()
      said += sent
      input += await server.receive(sent)
    }
    let step = client.receive(input.span, at: server.clock.now, output: &output)
    input.removeFirst(step.consumed)
    return step.action
  }

  /// Does what the client wants until it is its driver's turn again.
  private func run(_ first: ClientAction, content: [UInt8]) async -> ClientAction {
    var action = first
    while true {
      switch action {
      case .read:
        action = await exchange()
        if case .read = action, output.isEmpty {  // the server has said all that it will
          action = client.fail(.connectionLost(server.isClosed ? "the server closed it" : "both sides wait"))
        }
      case .startTLS:
        server.startTLS()
        action = client.tlsStarted(at: server.clock.now, output: &output)
      case .sendContent:
        action = await give(content)
      case .failed(let failure, _):
        self.failure = failure
        server.disconnect()
        return action
      case .close:
        server.disconnect()
        return action
      default: return action
      }
    }
  }
}
