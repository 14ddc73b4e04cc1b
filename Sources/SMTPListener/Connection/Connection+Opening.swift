import Logging
import MailModel
import NIOCore
import NIOSSL
import SMTPProtocol

// From the channel to the session, and into TLS.
extension Connection {
  /// Hears from now on of what happens on the channel, which is not active yet.
  nonisolated func join() throws {
    channel.closeFuture.whenComplete { _ in self.assumeIsolated { $0.closed() } }
    try channel.pipeline.syncOperations.addHandler(ConnectionHandler(self))
  }

  /// The channel is active.
  func opened() {
    log(.debug, "Connection opened")
    if isFromProxy {
      phase = .proxyHeader(until: now.advanced(by: endpoint.limits.proxyHeaderTimeout))
    } else {
      clientKnown()
    }
    settle()
  }

  /// It is known who the client is: now TLS or the session begins.
  func clientKnown() {
    switch endpoint.configuration.security {
    case .implicitTLS:
      // The first octets of TLS may have come in one piece with a proxy's header.
      let octets = input
      input = ByteBuffer()
      beginTLS()
      if octets.readableBytes > 0 { channel.pipeline.syncOperations.fireChannelRead(NIOAny(octets)) }
    case .startTLSRequired, .plaintext: start(tls: nil)
    }
  }

  private func start(tls: TLSFacts?) {
    phase = .open
    let now = now
    switch session.start(tls: tls, at: now) {
    case .ask(let question): begin(.question(question), at: now)
    default: end()
    }
  }

  /// Puts TLS in front of everything. What the client sent in clear behind its STARTTLS is already in the hands of
  /// the session or still unread, and then TLS takes it for the handshake that it is not.
  func beginTLS() {
    guard let tls = endpoint.tls, input.readableBytes == 0 else { return drop() }
    phase = .handshake(until: now.advanced(by: endpoint.limits.handshakeTimeout))
    do {
      try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.context), position: .first)
    } catch {
      drop()
    }
  }

  /// The TLS handshake is complete.
  func secured() {
    guard case .handshake = phase else { return }
    let version = try? channel.pipeline.syncOperations.nioSSL_tlsVersion()
    let tls = TLSFacts(version: version.map(Self.name) ?? "TLS")
    let mechanisms = policy.tlsStarted(tls)
    if endpoint.configuration.security == .implicitTLS {
      start(tls: tls)
    } else {
      phase = .open
      session.tlsStarted(tls, mechanisms: mechanisms, at: now)
    }
    settle()
  }

  private static func name(_ version: TLSVersion) -> String {
    switch version {
    case .tlsv1: "TLSv1"
    case .tlsv11: "TLSv1.1"
    case .tlsv12: "TLSv1.2"
    case .tlsv13: "TLSv1.3"
    }
  }
}
