import MailModel

@testable import SMTPProtocol

/// Drives a ``ClientSession`` as a connection would, with its transactions and their content at hand.
final class ClientHarness {
  var session: ClientSession
  var now = MonotonicInstant(nanoseconds: 0)
  /// What was said to the server.
  var output: [UInt8] = []
  /// Every action but `.read`, in order.
  var actions: [ClientAction] = []

  private var input: [UInt8] = []
  private var transactions: ArraySlice<ClientTransaction>
  private let pieces: [[UInt8]]
  /// Pieces that wait for the reply to the chunk before them.
  private var heldBack: ArraySlice<[UInt8]>?
  private let readsBetweenChunks: Bool

  convenience init(
    _ configuration: ClientConfiguration = .test, _ transactions: [ClientTransaction] = [], content: String = ""
  ) {
    self.init(configuration, transactions, pieces: [content])
  }

  /// - Parameter readsBetweenChunks: whether each chunk is answered before the next piece of the content is given.
  init(
    _ configuration: ClientConfiguration, _ transactions: [ClientTransaction], pieces: [String],
    readsBetweenChunks: Bool = false
  ) {
    session = ClientSession(configuration: configuration)
    self.readsBetweenChunks = readsBetweenChunks
    self.transactions = transactions[...]
    self.pieces = pieces.map { Array($0.utf8) }
    act(session.start(at: now))
  }

  var said: String { String(decoding: output, as: UTF8.self) }
  var stage: ClientStage { session.stage }
  var outcomes: [[ClientOutcome]] {
    actions.compactMap { action in
      switch action {
      case .finished(let outcomes), .failed(_, let outcomes): outcomes
      default: nil
      }
    }
  }
  var failure: ClientFailure? { if case .failed(let failure, _) = actions.last { failure } else { nil } }

  /// The server says this, in one read.
  func hear(_ octets: some Sequence<UInt8>) {
    input += octets
    while true {
      let input = input
      let step = session.receive(input.span, at: now, output: &output)
      self.input.removeFirst(step.consumed)
      act(step.action)
      if session.isClosed { return }
      if step.action == .read {
        guard step.consumed > 0, let rest = heldBack else { return }
        give(rest)
        if heldBack != nil { return }
      }
    }
  }

  func hear(_ text: String) { hear(Array(text.utf8)) }

  /// A server that is ready for a transaction, with these extensions.
  func open(_ extensions: String...) {
    let lines = ["mx.example"] + extensions
    hear("220 mx.example\r\n")
    hear(lines.enumerated().map { "250\($0.offset == lines.count - 1 ? " " : "-")\($0.element)\r\n" }.joined())
  }

  private func act(_ action: ClientAction) {
    guard action != .read else { return }
    actions.append(action)
    switch action {
    case .startTLS: act(session.tlsStarted(at: now, output: &output))
    case .ready, .finished:
      if let next = transactions.popFirst() { act(session.begin(next, at: now, output: &output)) }
    case .sendContent: give(pieces[...])
    default: break
    }
  }

  private func give(_ pieces: ArraySlice<[UInt8]>) {
    heldBack = nil
    for index in pieces.indices {
      let (piece, before) = (pieces[index], output.count)
      act(session.writeContent(piece.span, at: now, output: &output))
      if session.isClosed { return }
      if readsBetweenChunks, output.count > before {
        heldBack = pieces[(index + 1)...]
        return
      }
    }
    act(session.finishContent(at: now, output: &output))
  }
}

extension ClientConfiguration {
  /// In clear, without AUTH.
  static var test: ClientConfiguration { test(.none) }

  static func test(
    _ security: ClientSecurity, user: String? = nil, password: String = "secret", inClear: Bool = false
  ) -> ClientConfiguration {
    guard let name = DomainName("client.example") else { preconditionFailure("that is a domain name") }
    var configuration = ClientConfiguration(helloName: name)
    configuration.security = security
    configuration.credentials = user.flatMap { ClientCredentials(username: $0, password: password) }
    configuration.allowsAuthenticationWithoutTLS = inClear
    return configuration
  }

  /// In clear, without AUTH, with DATA in the group of MAIL and RCPT.
  static var pipelining: ClientConfiguration {
    var configuration = test
    configuration.pipelinesData = true
    return configuration
  }

  /// In clear, without AUTH, with BDAT.
  static var chunking: ClientConfiguration {
    var configuration = test
    configuration.usesChunking = true
    return configuration
  }
}

extension ClientTransaction {
  static func test(
    to recipients: String..., from sender: String = "a@example.com", body: BodyType = .sevenBit, size: Int? = nil,
    change: (inout ClientTransaction) -> Void = { _ in }
  ) -> ClientTransaction {
    var transaction = ClientTransaction(
      envelope: Envelope(
        reversePath: ReversePath(sender) ?? .null, recipients: recipients.compactMap { ForwardPath($0) },
        parameters: MessageParameters(bodyType: body)),
      size: size)
    change(&transaction)
    return transaction
  }
}
