public import MailModel

/// How a connection comes to TLS.
public enum ConnectionSecurity: Hashable, Sendable {
  /// In clear until STARTTLS (RFC 3207), without which nothing but EHLO, NOOP, RSET, HELP and QUIT is taken.
  case startTLSRequired
  /// TLS from the first octet (RFC 8314 §3.3).
  case implicitTLS
  /// No TLS at all, and so no AUTH: for benches and tests on a host of one's own. Never a default.
  case plaintext
}

/// How a ``ServerSession`` behaves.
public struct ServerConfiguration: Hashable, Sendable {
  /// The server's own name, in the greeting and the reply to EHLO.
  public var hostName: DomainName
  /// How the connection comes to TLS; default ``ConnectionSecurity/startTLSRequired``.
  public var security = ConnectionSecurity.startTLSRequired
  /// Whether MAIL needs AUTH first (RFC 6409 §4.3); default `true`.
  public var requiresAuthentication = true
  /// The limits.
  public var limits = Limits()
  /// Which of the extensions that concern a message's whole way may be offered; of these, the policy's own
  /// ``PolicySession/extensions`` are. SMTPUTF8 is not offered without 8BITMIME (RFC 6531 §3.1). Default all.
  public var extensions = MailExtensions.all
  /// Whether BDAT is taken (CHUNKING, RFC 3030); default `true`. Where it is not, a BDAT gets 502 once its octets are read
  /// and dropped, so that none of them is taken for a command; beyond ``Limits/discardedLine``, the connection ends at once.
  public var offersChunking = true
  /// Whether the reply to EHLO tells ``Limits/recipients`` and ``Limits/messages`` (LIMITS, RFC 9422); default `true`.
  public var advertisesLimits = true
  /// Takes `mail from: a@example.com`, a path without angle brackets: a plain dot-atom mailbox with nothing behind it.
  /// RFC 5321 §4.1.2 forbids it and people type it; default `true`.
  public var acceptsPathWithoutBrackets = true
  /// Takes AUTH and MAIL after STARTTLS without a second EHLO. RFC 3207 §4.2 makes the client forget what it was told
  /// and people type on; default `true`. Until EHLO comes, MAIL and RCPT take no parameters, and the client has no name.
  public var acceptsMissingHelloAfterTLS = true

  /// The defaults for a server of that name.
  public init(hostName: DomainName) { self.hostName = hostName }
}
