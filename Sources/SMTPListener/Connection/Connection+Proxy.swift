import Logging
import MailModel
import NIOCore
import SMTPProtocol

// What a proxy says before its client's first octet.
extension Connection {
  /// Whether a PROXY header must come first. For as long as none came.
  var isFromProxy: Bool {
    guard let client else { return false }
    return endpoint.proxies.contains { $0.contains(client.address) }
  }

  /// Octets have come, of a header that is not whole yet or behind it. What a header may be long, and one round of
  /// reading, is the most that waits here.
  func receiveProxyHeader(_ octets: consuming ByteBuffer) {
    if input.readableBytes == 0 { input = octets } else { input.writeBuffer(&octets) }
    let reader = ProxyHeaderReader(lineLimit: endpoint.limits.proxyLine, blockLimit: endpoint.limits.proxyBlock)
    switch reader.read(input.readableBytesUInt8Span) {
    case .incomplete: break
    case .malformed(let fault):
      log(.warning, "PROXY header is malformed", ["smtp.proxy-fault": "\(fault.rawValue)"])
      drop()
    case .header(let header, let consumed):
      input.moveReaderIndex(forwardBy: consumed)
      if input.readableBytes == 0 { input = ByteBuffer() }
      introduce(by: header)
    }
    settle()
  }

  private func introduce(by header: ProxyFacts) {
    let facts = ConnectionFacts(channel, at: endpoint.type).told(by: header)
    (proxy, client) = (client, facts.client)
    if let client, let refusal = endpoint.registry.identify(self, as: client.address) { return turnAway(refusal) }
    policy = endpoint.dialogue(facts)
    log(.debug, header.isLocal ? "Proxy speaks for itself" : "Proxy told who the client is")
    clientKnown()
  }

  private func turnAway(_ refusal: ConnectionRegistry.Refusal) {
    log(.debug, "Connection refused by a limit")
    // Whoever awaits TLS cannot read a reply in clear.
    guard endpoint.configuration.security != .implicitTLS else { return drop() }
    refusal.reply.encode(into: &replies)
    linger()
  }
}

extension ConnectionFacts {
  /// Of the channel itself.
  init(_ channel: any Channel, at type: EndpointType) {
    self.init(
      client: channel.remoteAddress.flatMap(SocketEndpoint.init),
      local: channel.localAddress.flatMap(SocketEndpoint.init), endpointType: type)
  }
}
