public import MailModel

/// How a ``ClientSession`` comes to TLS.
public enum ClientSecurity: Hashable, Sendable {
  /// In clear until STARTTLS, and no further without it (RFC 3207).
  case required
  /// STARTTLS where the server offers it and takes it, in clear otherwise: a 4xx or 5xx to STARTTLS does not end the
  /// session. It keeps out those who only listen (RFC 7435); whoever can change what is sent can take the offer away.
  /// Since no certificate is held against such TLS, it counts as none where credentials are to be shown.
  case opportunistic
  /// No TLS at all.
  case none
  /// TLS from the first octet (RFC 8314 §3.3).
  case implicit
}

/// How a ``ClientSession`` behaves.
public struct ClientConfiguration: Hashable, Sendable {
  /// The client's own name, the argument of EHLO; an address literal where it has none (RFC 5321 §4.1.4).
  public var helloName: Mailbox.Host
  /// How the connection comes to TLS; default ``ClientSecurity/required``.
  public var security = ClientSecurity.required
  /// With what to authenticate (RFC 4954), by PLAIN or else LOGIN; `nil`, the default, does without AUTH. They
  /// are shown with ``ClientSecurity/required`` and ``ClientSecurity/implicit`` alone, unless
  /// ``allowsAuthenticationWithoutTLS`` says otherwise.
  public var credentials: ClientCredentials?
  /// Shows the credentials to a server without TLS, and so to everybody on the way, and with
  /// ``ClientSecurity/opportunistic`` to anyone who says that he is the server; default `false`.
  public var allowsAuthenticationWithoutTLS = false
  /// Sends DATA together with MAIL and RCPT to a server that offers PIPELINING (RFC 2920), which saves a round trip for each
  /// message; default `false`. A server that takes DATA though it took no recipient then gets an empty message, for
  /// nobody, since there is no other way to take DATA back (RFC 2920 §3.1).
  public var pipelinesData = false
  /// Sends content by BDAT (RFC 3030) to a server that offers CHUNKING and PIPELINING, without dot-stuffing; default
  /// `false`, since DATA is the way that all servers have. What ``ClientSession/writeContent(_:at:output:)`` is given makes
  /// a chunk as soon as it is 8 KiB together, however small the pieces. ``pipelinesData`` then has nothing to do.
  public var usesChunking = false
  /// The limits.
  public var limits = ClientLimits()

  /// The defaults for a client of that name.
  public init(helloName: DomainName) { self.helloName = .domain(helloName) }

  /// The defaults for a client that may have no name.
  public init(helloName: Mailbox.Host) { self.helloName = helloName }
}
