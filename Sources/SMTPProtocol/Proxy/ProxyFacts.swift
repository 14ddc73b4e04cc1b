/// What a proxy's header says of a connection (PROXY protocol, versions 1 and 2): the word of whoever sent it, so that
/// only a peer that one trusts may be asked for it.
///
/// What is text here holds no control characters, and is never proof of anything but that the proxy said so.
public struct ProxyFacts: Hashable, Sendable {
  /// Whether the proxy speaks for itself (LOCAL), as it does to see whether the server is well.
  public var isLocal: Bool
  /// The client's address and port as the proxy saw them; `nil` where it speaks for itself, or for a client that did
  /// not come over TCP (UNKNOWN, AF_UNSPEC, AF_UNIX, datagrams). Then the proxy's own address stands.
  public var source: SocketEndpoint?
  /// Where the client came in at the proxy; `nil` where ``source`` is.
  public var destination: SocketEndpoint?
  /// Through which private network's endpoint the client came, where a cloud's load balancer tells.
  public var vpcEndpoint: VPCEndpoint?
  /// What the proxy tells of the TLS between the client and itself.
  public package(set) var tls: ProxyTLSFacts?
  /// The application protocol that client and proxy agreed on (ALPN, RFC 7301), in octets.
  public package(set) var applicationProtocol: [UInt8]?
  /// The host that the client asked the proxy for, as by TLS's server name (RFC 6066 §3).
  public package(set) var authority: String?
  /// Names the connection across the proxies on its way: at most 128 octets, of any kind.
  public package(set) var uniqueID: [UInt8]?
  /// The name of the network namespace that the client's address belongs to; US-ASCII.
  public package(set) var networkNamespace: String?

  /// Facts of one's own, for a test or for a proxy protocol of another kind.
  public init(
    source: SocketEndpoint? = nil, destination: SocketEndpoint? = nil, isLocal: Bool = false,
    vpcEndpoint: VPCEndpoint? = nil
  ) {
    (self.source, self.destination) = (source, destination)
    (self.isLocal, self.vpcEndpoint) = (isLocal, vpcEndpoint)
  }
}

/// What a proxy tells of the TLS that it ended (PROXY protocol §2.2.6).
public struct ProxyTLSFacts: Hashable, Sendable {
  /// Whether the client came over TLS at all.
  public package(set) var isSecured: Bool
  /// Whether the client gave a certificate on this connection.
  public package(set) var hasConnectionCertificate: Bool
  /// Whether the client gave a certificate at least once in the TLS session that this connection goes on with.
  public package(set) var hasSessionCertificate: Bool
  /// The proxy's result of verifying the certificate, zero for success. Some send zero without a certificate too: ask
  /// ``isCertificateVerified``.
  public package(set) var verifyResult: UInt32
  /// `TLSv1.3`; US-ASCII, as all that follows but the common name.
  public package(set) var version: String?
  /// The common name in the client's certificate.
  public package(set) var commonName: String?
  /// The cipher suite, as OpenSSL names it.
  public package(set) var cipher: String?
  /// How the proxy's certificate was signed: `RSA-SHA256`.
  public package(set) var signatureAlgorithm: String?
  /// The key of the proxy's certificate: `RSA2048`.
  public package(set) var keyAlgorithm: String?

  /// Whether the client gave a certificate and the proxy could verify it.
  public var isCertificateVerified: Bool {
    isSecured && (hasConnectionCertificate || hasSessionCertificate) && verifyResult == 0
  }
}
