import DeliveryQueue
public import MailModel
public import SMTPProtocol
import Synchronization

/// Takes one message's content from the protocol to the queue: header section into memory, body into memory or the
/// store's spool, added fields in front, and the promise at the end.
///
/// A message with octets of 128 and above counts as 8BITMIME, whatever the client declared: accepted, and never sent in
/// silence to a host that takes US-ASCII alone (RFC 6152 §3). UTF-8 in its header fields asks for no more than that, unless
/// the client says SMTPUTF8.
public final class MessageIntake: MessageSink {
  private struct State {
    /// Until the end of the header section is found, everything; then the header section.
    var header: [UInt8] = []
    var scanner = HeaderScanner()
    var end: HeaderScanner.End?
    /// Body octets in memory.
    var body: [UInt8] = []
    var spool: (any MessageBodyWriter)?
    /// Octets that came.
    var size = 0
    /// Octets taken from the budget.
    var reserved = 0
    /// Why the message cannot be accepted. What comes after that is dropped.
    var refusal: SMTPReply?
    var isAborted = false
    /// Whether the metrics know how the message ended, or soon will.
    var isCounted = false
    /// Whether any octet so far was 128 or above.
    var isEightBit = false
  }

  private let id: QueueID
  private let request: MessageRequest
  private let tenant: String
  private let environment: IntakeEnvironment
  private let client: SocketEndpoint
  private let session: SubmissionSession
  private let state = Mutex(State())

  init(
    id: QueueID, request: MessageRequest, tenant: String, client: SocketEndpoint, session: SubmissionSession,
    environment: IntakeEnvironment
  ) {
    (self.id, self.request, self.tenant) = (id, request, tenant)
    (self.client, self.session, self.environment) = (client, session, environment)
  }

  deinit { abort() }

  /// ``MessageSink``.
  public func write(_ octets: Span<UInt8>) -> Bool {
    state.withLock { state in
      state.size += octets.count
      guard state.refusal == nil, !state.isAborted else { return true }
      guard environment.memory.take(octets.count) else {
        refuse(&state, .memoryIsFull)
        return true
      }
      state.reserved += octets.count
      state.isEightBit = state.isEightBit || octets.hasHighOctets
      if state.end == nil {
        state.header.append(contentsOf: octets)
        takeHeader(&state)
      } else {
        state.body.append(contentsOf: octets)
      }
      return state.body.count <= environment.limits.memoryPerMessage
    }
  }

  /// Moves the body that has gathered to the spool.
  public func drained() async {
    do {
      let known: (any MessageBodyWriter)? = state.withLock { $0.spool }
      let spool: any MessageBodyWriter
      if let known { spool = known } else { spool = try await environment.queue.makeBody(for: id) }
      let chunk: [UInt8]? = state.withLock { state in
        guard !state.isAborted, state.refusal == nil else { return nil }
        state.spool = spool
        defer { state.body = [] }
        return state.body
      }
      guard let chunk else {
        spool.discard()
        return
      }
      try await spool.append(chunk)
      // An abort meanwhile has given everything back.
      state.withLock { giveBack(&$0, min(chunk.count, $0.reserved)) }
    } catch {
      let reply = reply(for: error)
      state.withLock { refuse(&$0, reply) }
    }
  }

  /// ``MessageSink``.
  public func finish() async -> SMTPReply {
    let start = ContinuousClock.now
    let size = state.withLock { state in
      state.isCounted = true
      return state.size
    }
    let reply = await concluded()
    environment.metrics.answered(reply, octets: size, after: start.duration(to: .now))
    if !reply.isPositive { log.refused(reply, size: size) }
    return reply
  }

  private func concluded() async -> SMTPReply {
    do {
      if let refusal = await session.refusal(of: request.envelope.reversePath) { throw Refusal(reply: refusal) }
      let (header, body, spool) = try state.withLock { state throws(Refusal) in try whole(&state) }
      let section = try section(of: header)
      let reply = try await enqueue(section, body, spool)
      state.withLock { state in
        state.spool = nil  // the queue's now
        giveBack(&state, state.reserved)
      }
      return reply
    } catch let refusal as Refusal {
      abort()
      return refusal.reply
    } catch {
      abort()
      return reply(for: error)
    }
  }

  /// ``MessageSink``.
  public func abort() {
    let (spool, uncounted) = state.withLock { state -> ((any MessageBodyWriter)?, Int?) in
      state.isAborted = true
      release(&state)
      defer { (state.spool, state.isCounted) = (nil, true) }
      return (state.spool, state.isCounted ? nil : state.size)
    }
    spool?.discard()
    if let uncounted { environment.metrics.aborted(octets: uncounted) }
  }
}

// The header section.
extension MessageIntake {
  private struct Refusal: Error {
    var reply: SMTPReply
  }

  private func takeHeader(_ state: inout State) {
    var scanner = state.scanner  // a copy, since the scanner and what it looks at are parts of one value
    defer { state.scanner = scanner }
    if let end = scanner.scan(state.header.span) {
      splitHeader(&state, at: end)
    } else if state.header.count > environment.limits.headerSection {
      refuse(&state, .headerTooLarge(limit: environment.limits.headerSection))
    }
  }

  private func splitHeader(_ state: inout State, at end: HeaderScanner.End) {
    state.end = end
    state.body = Array(state.header[end.body...])
    state.header.removeSubrange(end.header...)
    giveBack(&state, end.body - end.header)
    if end.header > environment.limits.headerSection {
      refuse(&state, .headerTooLarge(limit: environment.limits.headerSection))
    }
  }

  /// The message once its content has ended: header section, and the body or what of it is not in the spool yet.
  private func whole(
    _ state: inout State
  ) throws(Refusal) -> (header: [UInt8], body: [UInt8], spool: (any MessageBodyWriter)?) {
    if state.end == nil { splitHeader(&state, at: state.scanner.end(ofMessage: state.header.count)) }
    if let refusal = state.refusal { throw Refusal(reply: refusal) }
    return (state.header, state.body, state.spool)
  }

  /// The fields, if they are within the limits.
  private func section(of header: [UInt8]) throws(Refusal) -> HeaderSection {
    let limits = environment.limits
    guard let section = HeaderSection(header, fieldLimit: limits.headerFields) else {
      throw Refusal(reply: .tooManyFields(limit: limits.headerFields))
    }
    guard !section.fields.contains(where: { $0.whole.count > limits.headerField }) else {
      throw Refusal(reply: .fieldTooLarge(limit: limits.headerField))
    }
    guard section.count(of: "received") <= limits.receivedFields else { throw Refusal(reply: .tooManyHops) }
    return section
  }

  /// The added fields, the message's own without those that are nobody's business, and the empty line.
  private func prefix(for section: HeaderSection) -> [UInt8] {
    let added = AddedFields(id: id, request: request, client: client, environment: environment)
    return added.octets(for: section) + section.octets(without: ["bcc", "resent-bcc"]) + [.carriageReturn, .lineFeed]
  }

  private func enqueue(
    _ section: HeaderSection, _ octets: [UInt8], _ spool: (any MessageBodyWriter)?
  ) async throws -> SMTPReply {
    var body = MessageBody.octets(octets)
    if let spool {
      if !octets.isEmpty { try await spool.append(octets) }
      body = .spooled(try await spool.finish())
    }
    var envelope = request.envelope
    if state.withLock({ $0.isEightBit }) { envelope.parameters.bodyType = .eightBitMIME }
    let message = NewMessage(
      id: id, tenant: tenant, envelope: envelope, acceptedAt: environment.time.now(), prefix: prefix(for: section),
      body: body, priority: MessagePriority(envelope.parameters, section))
    try await environment.queue.enqueue(message)
    log.queued(size: message.size)
    environment.delivery?.wake()
    return .queued(id)
  }
}

// Memory, and what to do without.
extension MessageIntake {
  private var log: IntakeLog {
    IntakeLog(
      logger: environment.logger, addresses: environment.addressesInLog, id: id, tenant: tenant, client: client,
      request: request)
  }

  private func giveBack(_ state: inout State, _ count: Int) {
    state.reserved -= count
    environment.memory.give(count)
  }

  /// Holds nothing more of the message but the reason; what is in the spool goes at the end.
  private func refuse(_ state: inout State, _ reply: SMTPReply) {
    state.refusal = reply
    release(&state)
  }

  private func release(_ state: inout State) {
    giveBack(&state, state.reserved)
    state.header = []
    state.body = []
  }

  /// What a failure of the store means for the client.
  private func reply(for error: any Error) -> SMTPReply {
    log.failed(error)
    return (error as? QueueError)?.code == .insufficientStorage ? .storageIsFull : .cannotBeKept
  }
}
