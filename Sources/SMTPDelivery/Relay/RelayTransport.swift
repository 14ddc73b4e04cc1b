public import DeliveryQueue
import DeliveryReporting
public import MailModel
public import NIOCore
import NIOPosix
import SMTPProtocol

/// Delivers everything through one host, over SMTP (RFC 5321): a smarthost, a provider, a mail server of one's own.
///
/// A delivery has a connection for itself, or up to ten, one after the other, with a host whose limits (RFC 9422) leave a
/// part of it for another session. When it is done, its connection is kept for a moment for the next one; see
/// ``RelayConfiguration/idleConnections``. Where a host has closed such a connection meanwhile, or ends it before it takes
/// anything of the next message, that message goes over a new one at once, and nothing is deferred.
///
/// Its content is read and sent in parts of 64 KiB, each when the socket has
/// taken the one before, so a delivery's memory does not grow with its message. A host that refuses the connection, EHLO,
/// STARTTLS or AUTH, or breaks the protocol, defers; see ``DeliveryQueue/DeliveryOutcome/init(refusal:at:)``. The deferral
/// after an end without a reply to the end of the content says that the outcome is unknown (RFC 1047).
///
/// With ``SMTPProtocol/ClientSecurity/opportunistic`` a host that offers TLS and cannot do it, by its reply to STARTTLS or
/// in the handshake, defers nothing: it gets its mail in clear, which the report's
/// ``DeliveryQueue/DeliveryReport/hostProblem`` says beside the outcomes.
public final class RelayTransport: DeliveryTransport {
  /// Octets of the content that are held at a time.
  private static let chunkSize = 65_536
  /// Sessions of one delivery with a host that takes only a part of it in each.
  private static let sessionLimit = 10

  private let connector: RelayConnector
  private let idle: IdleConnections

  /// Reads the trust roots, so it blocks for a moment.
  ///
  /// - Parameter eventLoopGroup: where the connections live; `nil`, the default, is the process's own group.
  /// - Throws: ``TransportError`` with code ``TransportError/Code/unusableCertificates``.
  public init(
    _ configuration: RelayConfiguration, eventLoopGroup: (any EventLoopGroup)? = nil
  ) throws {
    let tls = configuration.client.security == .none ? nil : try RelayTLS(configuration)
    connector = RelayConnector(
      configuration: configuration, tls: tls, group: eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton)
    idle = IdleConnections(limit: configuration.idleConnections)
  }

  deinit { for connection in idle.close() { connection.quitSoon() } }

  /// Says QUIT on the connections that nobody uses, and waits for their ends, 10 seconds at most unless
  /// ``SMTPProtocol/ClientLimits/quitTimeout`` says otherwise. Whatever is delivered later has a connection of its own. To be
  /// called before the event loops end; without it, the idle ones end in their time.
  public func shutdown() async {
    let connections = idle.close()
    for connection in connections { await connection.quit() }
    for connection in connections { await connection.ended() }
  }

  /// 8BITMIME and SMTPUTF8: where the host does not offer what a message needs, its recipients fail with 5.6.3 (RFC 6152 §3),
  /// 5.6.7 or 5.6.9 (RFC 6531 §3.5). Not DSN, although a host that offers it is told what the sender asks: nobody makes the
  /// reports that RFC 3461 §5.2 wants where the host does not offer it. MT-PRIORITY too, which a host that does not offer it is
  /// not told, as RFC 6710 has it.
  public var extensions: MailExtensions { [.eightBitMIME, .smtpUTF8, .transferPriorities] }

  /// One site: the relay.
  public func site(of destination: Mailbox.Host?) -> DeliverySite {
    DeliverySite(connector.configuration.relay.description)
  }

  /// One attempt, of several sessions where the host takes but a part of the recipients in each; with
  /// ``SMTPProtocol/ClientSecurity/opportunistic``, in clear where TLS cannot be set up.
  public func deliver(_ claim: Claim, content: any MessageContent) async -> DeliveryReport {
    let envelope = Envelope(
      reversePath: claim.reversePath,
      recipients: claim.recipients.map { Recipient($0.path, parameters: $0.parameters) }, parameters: claim.parameters)
    let transaction = ClientTransaction(envelope: envelope, size: content.count)
    var client = connector.configuration.client
    var downgrade: ClientFailure?
    var result = await attempt(transaction, content, &client, &downgrade)
    // What a session leaves for want of room is no failure of the host's, as long as the next one takes some of it.
    var waiting = envelope.recipients.count
    var sessions = 1
    while let rest = result.postponed, rest.count < waiting, sessions < Self.sessionLimit, !Task.isCancelled {
      (waiting, sessions) = (rest.count, sessions + 1)
      let next = transaction.to(recipientsAt: rest)
      result = await attempt(next, content, &client, &downgrade).joined(to: result, at: rest)
    }
    return DeliveryReport(
      result, downgrade: downgrade, of: envelope.recipients.count, by: connector.configuration.relay.description)
  }

  /// A session; with ``SMTPProtocol/ClientSecurity/opportunistic``, a second one in clear where TLS cannot be set up, and
  /// whatever comes later in clear too.
  private func attempt(
    _ transaction: ClientTransaction, _ content: any MessageContent, _ client: inout ClientConfiguration,
    _ downgrade: inout ClientFailure?
  ) async -> SessionResult {
    let (result, refusal) = await attemptOnce(transaction, content, client)
    downgrade = downgrade ?? refusal
    guard client.security == .opportunistic, let failure = result.handshakeFailure, !Task.isCancelled else {
      return result
    }
    client.security = .none
    downgrade = failure
    return await attemptOnce(transaction, content, client).result
  }

  /// What came of it, and why it went on in clear where TLS was offered.
  private func attemptOnce(
    _ transaction: ClientTransaction, _ content: any MessageContent, _ client: ClientConfiguration
  ) async -> (result: SessionResult, downgrade: ClientFailure?) {
    if let connection = idle.take(client.security),
      let attempt = await hand(transaction, content, to: connection)
    {
      return attempt
    }
    do {
      let connection = try await connector.connect(client)
      return await hand(transaction, content, to: connection) ?? (.unreachable(.connectionEnded), nil)
    } catch {
      return (.unreachable(error), nil)
    }
  }

  /// The whole dialogue stays on the connection's event loop: a step from there to another thread and back would cost more
  /// than the step itself.
  ///
  /// - Returns: `nil` where a connection that was used before turned out to be of no use any more: nobody took anything.
  private func hand(
    _ transaction: ClientTransaction, _ content: any MessageContent, to connection: isolated RelayConnection
  ) async -> (result: SessionResult, downgrade: ClientFailure?)? {
    let result = await withTaskCancellationHandler {
      await converse(transaction, content, on: connection)
    } onCancel: {
      connection.abandonSoon("the delivery was cancelled")
    }
    guard let result else { return nil }
    if case .finished = result { await letGo(connection, after: result) }
    return (result, connection.downgrade)
  }

  /// One transaction, or as many as it takes where the host takes fewer recipients at a time (RFC 9422 §4.2).
  ///
  /// - Returns: as ``hand(_:_:to:)`` does.
  private func converse(
    _ transaction: ClientTransaction, _ content: any MessageContent, on connection: isolated RelayConnection
  ) async -> SessionResult? {
    let isUsed = connection.deliveries > 0
    let action = await connection.ready()
    guard case .ready = action else {
      let result = result(of: action, on: connection)
      return isUsed && result.endedUnheard ? nil : result
    }
    var transaction = transaction
    if connection.lacks(whatIsAskedBy: transaction.envelope.parameters) {
      // What is declared may be more than what is there.
      do { transaction.isASCII = try await content.isASCII() } catch {
        connection.abandon("the content cannot be read: \(error)")
      }
    }
    var result = await handOnce(transaction, content, to: connection)
    if isUsed, result.endedUnheard { return nil }
    while let rest = result.postponed, connection.takesAnother {
      let next = transaction.to(recipientsAt: rest)
      result = await handOnce(next, content, to: connection).joined(to: result, at: rest)
    }
    return result
  }

  /// After the last transaction that a delivery has for a connection.
  private func letGo(_ connection: isolated RelayConnection, after result: SessionResult) async {
    let configuration = connector.configuration
    // Nobody can cancel this delivery's use of the connection from here on, unless he has done so already.
    if Task.isCancelled || connection.deliveries >= configuration.messagesPerConnection {
      connection.quit()
    } else {
      connection.wait(in: idle, for: configuration.idleTimeout)
    }
    // A host may count its connections: the next session begins when this one is over.
    if result.postponed != nil { await connection.ended() }
  }

  private func handOnce(
    _ transaction: ClientTransaction, _ content: any MessageContent, to connection: isolated RelayConnection
  ) async -> SessionResult {
    var action = await connection.begin(transaction)
    if case .sendContent = action {
      await send(content, to: connection)
      action = await connection.finishContent()
    }
    return result(of: action, on: connection)
  }

  private func result(of action: ClientAction, on connection: RelayConnection) -> SessionResult {
    switch action {
    case .finished(let outcomes): return .finished(outcomes)
    case .failed(let failure, let outcomes): return .failed(failure, outcomes)
    default:
      connection.abandonSoon("the dialogue is out of step")
      return .unreachable(.connectionEnded)
    }
  }

  /// Ends the connection where the content cannot be had: there is no other way to take back DATA.
  private func send(_ content: any MessageContent, to connection: isolated RelayConnection) async {
    var offset = 0
    do {
      while offset < content.count {
        let chunk = try await content.read(from: offset, limit: Self.chunkSize)
        guard !chunk.isEmpty else { return connection.abandon("the content is shorter than it should be") }
        guard await connection.write(chunk) else { return }
        offset += chunk.count
      }
    } catch {
      connection.abandon("the content cannot be read: \(error)")
    }
  }
}

extension ClientTransaction {
  /// The same message for those of its recipients that stand at these places.
  fileprivate func to(recipientsAt places: [Int]) -> ClientTransaction {
    var part = self
    part.envelope.recipients = places.map { envelope.recipients[$0] }
    return part
  }
}
