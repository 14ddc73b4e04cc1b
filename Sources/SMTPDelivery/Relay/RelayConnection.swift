import MailModel
import NIOCore
import NIOSSL
import SMTPProtocol

/// One connection to a relay: a ``ClientSession`` and its channel. Its isolation is its event loop.
///
/// Whoever holds it waits for ``ready()``, then hands over one transaction at a time, as many as it likes, and says
/// ``quit()`` at the end, or leaves it to the next holder by ``wait(in:for:)``. Between these calls the connection takes care
/// of itself: it reads, watches the time, and ends.
actor RelayConnection {
  nonisolated let eventLoop: any EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

  private let channel: any Channel
  private let tls: RelayTLS?
  private var session: ClientSession
  private var input = ByteBuffer()
  private var output: [UInt8] = []
  /// Writes that the socket has not taken yet.
  private var pendingWrites = 0
  /// What the session said and nobody has heard yet: two such things at most, since nothing comes behind its end.
  private(set) var news: [ClientAction] = []
  private var hasEnded = false
  private var sleeper: CheckedContinuation<Void, Never>?
  private var timer: (deadline: MonotonicInstant, task: Scheduled<Void>)?
  private let security: ClientSecurity
  /// Where it waits for its next holder, and until when.
  private var idle: (connections: IdleConnections, deadline: MonotonicInstant)?
  /// Holders so far.
  private(set) var deliveries = 0
  /// Whether octets came that nothing had asked for. Their rest might pass for an answer to what is asked next.
  private var wasToldUnasked = false

  init(channel: any Channel, configuration: ClientConfiguration, tls: RelayTLS?) {
    self.channel = channel
    self.tls = tls
    security = configuration.security
    eventLoop = channel.eventLoop
    session = ClientSession(configuration: configuration)
  }

  // MARK: For the holder

  /// Greeting, EHLO, TLS and AUTH are over, with another holder before long since: ``ClientAction/ready``, or an end.
  func ready() async -> ClientAction {
    deliveries += 1
    guard idle != nil else { return await nextNews() }
    idle = nil
    return session.isClosed ? await nextNews() : .ready
  }

  /// Begins a transaction: ``ClientAction/sendContent``, ``ClientAction/finished(_:)``, or an end.
  func begin(_ transaction: ClientTransaction) async -> ClientAction {
    perform(session.begin(transaction, at: now, output: &output))
    return await nextNews()
  }

  /// Sends a part of the content, and returns when the socket has taken it.
  ///
  /// - Returns: `false` where the session is over; ``finishContent()`` says why.
  func write(_ chunk: [UInt8]) async -> Bool {
    perform(session.writeContent(chunk.span, at: now, output: &output))
    while pendingWrites > 0, !session.isClosed { await sleep() }
    return !session.isClosed
  }

  /// The content is complete: ``ClientAction/finished(_:)``, or an end.
  func finishContent() async -> ClientAction {
    perform(session.finishContent(at: now, output: &output))
    return await nextNews()
  }

  /// Whether the server does not offer all that a message declares to need.
  func lacks(whatIsAskedBy parameters: MessageParameters) -> Bool {
    let offered = session.capabilities
    return parameters.bodyType == .eightBitMIME && !offered.eightBitMIME
      || parameters.isInternationalized && !offered.smtpUTF8
  }

  /// Whether the server takes another transaction in this session.
  var takesAnother: Bool { session.transactionsLeft != 0 && !session.isClosed }

  /// Why the connection is in clear although the server offered TLS.
  var downgrade: ClientFailure? { session.downgrade }

  /// Lets go of a connection between two transactions: it waits for its next holder, and says goodbye when nobody has come
  /// in time, or at once where nobody should. Meanwhile nothing is asked, so whatever the host says or does ends it.
  func wait(in connections: IdleConnections, for duration: Duration) {
    guard takesAnother, !wasToldUnasked else { return quit() }
    idle = (connections, now.advanced(by: duration))
    if connections.keep(self, security) { setTimer() } else { quit() }
  }

  /// ``quit()`` from anywhere.
  nonisolated func quitSoon() {
    eventLoop.execute { self.assumeIsolated { $0.quit() } }
  }

  /// Says goodbye, and ends by itself.
  func quit() {
    idle = nil
    perform(session.quit(at: now, output: &output))
  }

  /// After ``quit()``: returns when the goodbye was answered, or its time is up.
  func ended() async { _ = await nextNews() }

  /// Ends the connection at once; whoever waits hears of it.
  func abandon(_ reason: String) { perform(session.fail(.abandoned(reason))) }

  /// ``abandon(_:)`` from anywhere.
  nonisolated func abandonSoon(_ reason: String) {
    eventLoop.execute { self.assumeIsolated { $0.abandon(reason) } }
  }

  // MARK: For the handler

  func opened() { perform(session.start(at: now)) }

  func received(_ octets: ByteBuffer) {
    guard idle == nil else { return perform(session.fail(.protocolError("it spoke although nothing was asked"))) }
    var octets = octets
    if input.readableBytes == 0 { input = octets } else { input.writeBuffer(&octets) }
    while true {
      if session.stage == .idle, input.readableBytes > 0 { wasToldUnasked = true }
      let step = session.receive(input.readableBytesUInt8Span, at: now, output: &output)
      input.moveReaderIndex(forwardBy: step.consumed)
      perform(step.action)
      guard step.action != .read, !session.isClosed, input.readableBytes > 0 else { break }
    }
    if input.readableBytes == 0 || session.isClosed { input = ByteBuffer() } else { input.discardReadBytes() }
  }

  func tlsStarted() {
    let certificate = try? channel.pipeline.syncOperations.nioSSL_peerCertificate()
    guard tls?.accepts(certificate) == true else { return perform(session.fail(.tlsFailed(RelayTLS.otherHost))) }
    perform(session.tlsStarted(at: now, output: &output))
  }

  func failed(_ error: any Error) {
    let reason: ClientFailure.Reason =
      session.stage == .handshake
      ? .tlsFailed(RelayTLS.describe(error)) : .connectionLost(String(describing: error))
    perform(session.fail(reason))
  }

  func closed() { perform(session.fail(.connectionLost("it was closed by the other side"))) }

  // MARK: Doing what the session says

  private var now: MonotonicInstant {
    MonotonicInstant(nanoseconds: Int64(clamping: NIODeadline.now().uptimeNanoseconds))
  }

  private func perform(_ action: ClientAction) {
    send()
    setTimer()
    switch action {
    case .read: break
    case .startTLS: startTLS()
    case .ready, .sendContent, .finished: tell(action)
    case .failed, .close:
      guard !hasEnded else { return }
      hasEnded = true
      _ = idle?.connections.remove(self)
      tell(action)
      channel.close(promise: nil)
    }
  }

  /// In the very call that took the reply to STARTTLS, so that no octet in clear can slip in between. The session has made
  /// sure that none came behind the reply.
  private func startTLS() {
    do {
      guard let tls else { return perform(session.fail(.abandoned("TLS is not configured"))) }
      try channel.pipeline.syncOperations.addHandler(try tls.makeHandler(), position: .first)
    } catch {
      perform(session.fail(.tlsFailed(RelayTLS.describe(error))))
    }
  }

  private func send() {
    guard !output.isEmpty else { return }
    let buffer = channel.allocator.buffer(bytes: output)
    output.removeAll(keepingCapacity: true)
    pendingWrites += 1
    channel.writeAndFlush(buffer).whenComplete { _ in self.assumeIsolated { $0.written() } }
  }

  private func written() {
    pendingWrites -= 1
    wake()
  }

  /// A timer that rings too early is cheaper than one for each block.
  private func setTimer() {
    guard let deadline = session.nextDeadline ?? idle?.deadline else {
      timer?.task.cancel()
      timer = nil
      return
    }
    if let timer, timer.deadline <= deadline { return }
    timer?.task.cancel()
    let instant = NIODeadline.uptimeNanoseconds(UInt64(clamping: deadline.nanoseconds))
    timer = (deadline, eventLoop.scheduleTask(deadline: instant) { self.assumeIsolated { $0.timeIsUp() } })
  }

  private func timeIsUp() {
    timer = nil
    if let idle, now >= idle.deadline {
      // Where it is not there any more, its next holder is on the way.
      if idle.connections.remove(self) { quit() }
      return
    }
    perform(session.expire(at: now))
  }

  // MARK: Waiting

  private func tell(_ action: ClientAction) {
    news.append(action)
    wake()
  }

  private func nextNews() async -> ClientAction {
    while news.isEmpty {
      if session.isClosed { return .close }
      await sleep()
    }
    return news.removeFirst()
  }

  /// Until something happens. Only the holder sleeps, so there is one sleeper at most.
  private func sleep() async { await withCheckedContinuation { sleeper = $0 } }

  private func wake() {
    sleeper?.resume()
    sleeper = nil
  }
}
