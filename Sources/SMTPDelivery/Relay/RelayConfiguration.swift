public import MailModel
public import SMTPProtocol

/// How a ``RelayTransport`` reaches its host.
public struct RelayConfiguration: Sendable {
  /// Where it connects to.
  public var relay: RelayEndpoint
  /// How it speaks there: its own name, the way to TLS, credentials, time limits. Credentials need TLS that is required or
  /// from the first octet: with any other, each attempt ends before AUTH, unless they are allowed without.
  public var client: ClientConfiguration
  /// Whose certificates it takes, with ``SMTPProtocol/ClientSecurity/required`` and
  /// ``SMTPProtocol/ClientSecurity/implicit``; default ``CertificateTrust/systemRoots``. With
  /// ``SMTPProtocol/ClientSecurity/opportunistic`` it takes any, since it would go on without TLS too.
  public var trust = CertificateTrust.systemRoots
  /// The name that the certificate must bear, and that is sent as SNI, where it is not the relay's own.
  public var certificateName: DomainName?
  /// How long a connection may take to stand, lookup of the name included; default 30 seconds.
  public var connectTimeout = Duration.seconds(30)
  /// Connections that are kept for the next message when theirs is done, at most; default 20, as Postfix delivers to one host
  /// at a time. With 0 each delivery has a connection of its own.
  public var idleConnections = 20
  /// How long a connection is kept without a message, before it gets QUIT; default 2 seconds, as Postfix does, which bridges
  /// the gaps under load, and holds nothing of the host's for long. The host itself should wait 5 minutes (RFC 5321
  /// §4.5.3.2.7).
  public var idleTimeout = Duration.seconds(2)
  /// Messages over one connection, at most; default 100. Fewer where the host names a limit of its own (RFC 9422 §4.1).
  public var messagesPerConnection = 100

  /// The defaults: STARTTLS required, a certificate that the system trusts, no AUTH.
  public init(relay: RelayEndpoint, client: ClientConfiguration) { (self.relay, self.client) = (relay, client) }
}

/// Whose certificates are taken.
public enum CertificateTrust: Hashable, Sendable {
  /// Those that chain to a root which the system trusts, and bear the host's name.
  case systemRoots
  /// Those that chain to a certificate in this PEM file, and bear the host's name.
  case pemFile(String)
  /// Any whatever, expired ones and those of other hosts too. Whoever sits on the way can then read and change
  /// everything, the credentials first: for a host on the same machine or a private network alone.
  case anyCertificate
}
