import MailModel
import NIOCore
import NIOSSL
import NIOTLS
import SMTPProtocol

/// One session: drives a ``ClientSession`` on its channel, on the event loop alone.
///
/// The session's deadlines are not kept: a benchmark's server that is stuck is to be seen, and whoever runs the benchmark
/// bounds its time.
final class SessionHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  /// What the session does once the server is ready.
  enum Purpose {
    /// Sends its part of the load, then says goodbye.
    case send(Load)
    /// Stays, and says nothing more.
    case stay(EventLoopPromise<Void>)
  }

  private let purpose: Purpose
  private let tls: NIOSSLContext?
  private var session: ClientSession
  private var input = ByteBuffer()
  private var output: [UInt8] = []
  private var sent = 0
  /// The message that is under way.
  private var number = 0
  /// When MAIL was said.
  private var began = NIODeadline.now()
  /// When the last octets of the content were handed on.
  private var contentEnded = NIODeadline.now()

  init(_ purpose: Purpose, configuration: ClientConfiguration, tls: NIOSSLContext?) {
    (self.purpose, self.tls) = (purpose, tls)
    session = ClientSession(configuration: configuration)
  }

  // MARK: What happens on the channel

  func channelActive(context: ChannelHandlerContext) {
    perform(session.start(at: now), context)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var octets = unwrapInboundIn(data)
    if input.readableBytes == 0 { input = octets } else { input.writeBuffer(&octets) }
    while true {
      let step = session.receive(input.readableBytesUInt8Span, at: now, output: &output)
      input.moveReaderIndex(forwardBy: step.consumed)
      perform(step.action, context)
      guard step.action != .read, input.readableBytes > 0 else { break }
    }
    if input.readableBytes == 0 { input = ByteBuffer() }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted = event as? TLSUserEvent {
      perform(session.tlsStarted(at: now, output: &output), context)
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    perform(session.fail(.connectionLost(String(describing: error))), context)
  }

  func channelInactive(context: ChannelHandlerContext) {
    perform(session.fail(.connectionLost("closed by the server")), context)
  }

  // MARK: What the session says

  private var now: MonotonicInstant {
    MonotonicInstant(nanoseconds: Int64(clamping: NIODeadline.now().uptimeNanoseconds))
  }

  private func perform(_ action: ClientAction, _ context: ChannelHandlerContext) {
    switch action {
    case .read: flush(context)
    case .startTLS:
      flush(context)
      startTLS(context)
    case .ready: goOn(context)
    case .sendContent:
      if case .send(let load) = purpose { send(load.message.content(number), context) }
    case .finished(let outcomes):
      note(outcomes)
      goOn(context)
    case .failed(let failure, _):
      note(failure)
      context.close(promise: nil)
    case .close: context.close(promise: nil)
    @unknown default: context.close(promise: nil)
    }
  }

  private func goOn(_ context: ChannelHandlerContext) {
    switch purpose {
    case .send(let load):
      guard sent < load.messagesPerSession, let turn = load.take() else {
        load.sessionEnded()
        return perform(session.quit(at: now, output: &output), context)
      }
      sent += 1
      guard let due = turn.due, due > .now() else { return begin(turn, of: load, context) }
      context.eventLoop.assumeIsolated().scheduleTask(deadline: due) { self.begin(turn, of: load, context) }
    case .stay(let isReady): isReady.succeed()
    }
  }

  private func begin(_ turn: Load.Turn, of load: Load, _ context: ChannelHandlerContext) {
    (number, began) = (turn.number, .now())
    load.arrivals?.departed(turn.number, at: turn.due ?? began)
    perform(session.begin(load.transaction, at: now, output: &output), context)
  }

  private func send(_ content: [UInt8], _ context: ChannelHandlerContext) {
    var action = session.writeContent(content.span, at: now, output: &output)
    if action == .read { action = session.finishContent(at: now, output: &output) }
    contentEnded = .now()
    perform(action, context)
  }

  private func startTLS(_ context: ChannelHandlerContext) {
    do {
      guard let tls else { return perform(session.fail(.abandoned("TLS is not configured")), context) }
      let handler = try NIOSSLClientHandler(context: tls, serverHostname: nil)
      try context.pipeline.syncOperations.addHandler(handler, position: .first)
    } catch {
      perform(session.fail(.tlsFailed(String(describing: error))), context)
    }
  }

  private func flush(_ context: ChannelHandlerContext) {
    guard !output.isEmpty else { return }
    context.writeAndFlush(NIOAny(context.channel.allocator.buffer(bytes: output)), promise: nil)
    output.removeAll(keepingCapacity: true)
  }

  // MARK: What came of it

  private func note(_ outcomes: [ClientOutcome]) {
    guard case .send(let load) = purpose else { return }
    var refusals = outcomes.lazy.compactMap { outcome -> String? in
      if case .accepted = outcome { nil } else { "\(outcome)" }
    }.makeIterator()
    let end = NIODeadline.now()
    if let refusal = refusals.next() {
      load.failed(refusal)
    } else {
      load.delivered(reply: end - contentEnded, transaction: end - began)
    }
  }

  private func note(_ failure: ClientFailure) {
    switch purpose {
    case .send(let load): load.failed("the server \(failure)")
    case .stay(let isReady): isReady.fail(SessionFailed(failure: failure))
    }
  }
}

/// A session that was to stay could not.
struct SessionFailed: Error, CustomStringConvertible {
  let failure: ClientFailure

  var description: String { "the server \(failure)" }
}
