/// What a server's connections are held to, whatever is said on them; what is said is held to the session's `Limits`.
public struct ConnectionLimits: Hashable, Sendable {
  /// Connections at once, on all endpoints together; default 8,192. More are told 421 4.7.0 and closed.
  public var connections = 8_192
  /// Connections at once from one IPv4 address or one IPv6 network of 64 bits, since a single customer is given at
  /// least so much (RFC 6177); default 100. More are told 421 4.7.0 and closed.
  public var connectionsPerSource = 100
  /// How long a proxy may take for its header, from the opening of the connection on; default 5 s. (The PROXY protocol's
  /// §2 asks for 3 s at least, for a lost segment.)
  public var proxyHeaderTimeout = Duration.seconds(5)
  /// Octets of a PROXY header of version 1, CRLF included; default 107, the most there can be (§2.1).
  public var proxyLine = 107
  /// Octets of a PROXY header of version 2 in all; default 4,096.
  public var proxyBlock = 4_096
  /// How long the TLS handshake may take; default 30 s.
  public var handshakeTimeout = Duration.seconds(30)
  /// How long the policy may take for one answer, then 421 4.3.0; default 300 s, as long as a client waits
  /// (RFC 5321 §4.5.3.2). The answer to the end of a message is waited for without a limit, since it may be a promise.
  public var policyTimeout = Duration.seconds(300)
  /// How long a closing connection is kept for the client to take the last reply; default 2 s.
  public var lingerTimeout = Duration.seconds(2)
  /// How long sessions may go on with what they hold after a graceful shutdown began; default 30 s.
  public var shutdownGrace = Duration.seconds(30)
  /// Octets of input that wait for the policy, or for a client that does not read its replies, before no more is read
  /// of the connection; default 65,536. What one round of reading brings may come on top.
  public var inputBuffer = 65_536
  /// Octets of replies that wait for a client to read them before no more commands of it are taken; default 65,536.
  public var outputBuffer = 65_536

  /// The defaults.
  public init() {}
}
