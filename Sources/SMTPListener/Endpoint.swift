public import MailModel
public import SMTPProtocol

/// Where a server listens, and how connections come to TLS there.
public struct Endpoint: Hashable, Sendable {
  /// An address, `0.0.0.0` or `::` for all of a machine, or a name that stands for one.
  public let host: String
  /// The TCP port; 0 lets the system choose one (``SMTPServer/boundAddresses()`` tells which).
  public let port: UInt16
  /// How connections come to TLS.
  public let security: ConnectionSecurity
  /// From where the endpoint can be reached; default public. The policy is told.
  public var type: EndpointType
  /// What its sessions are held to; `nil`, the default, for the limits of the server's configuration.
  public var limits: Limits?
  /// The proxies before this endpoint: a connection from one of these addresses must begin with a header of the PROXY
  /// protocol, version 1 or 2, before anything else, TLS included, and its client is then whom the header names. Nobody
  /// else's header is taken, since it could claim any address: it is not SMTP, and ends the session. Default: none.
  ///
  /// List what a proxy connects from and nothing wider. Where the header names nobody (LOCAL, UNKNOWN), the proxy itself
  /// is the client, so access rules see its address then.
  public var proxies: [IPNetwork]

  private init(
    _ security: ConnectionSecurity, _ host: String, _ port: UInt16, _ type: EndpointType, _ limits: Limits?,
    _ proxies: [IPNetwork]
  ) {
    (self.security, self.host, self.port) = (security, host, port)
    (self.type, self.limits, self.proxies) = (type, limits, proxies)
  }

  /// In clear until STARTTLS, without which no mail is taken (RFC 3207, RFC 6409). The usual port is 587.
  public static func startTLS(
    host: String, port: UInt16, type: EndpointType = .public, limits: Limits? = nil, proxies: [IPNetwork] = []
  ) -> Endpoint {
    Endpoint(.startTLSRequired, host, port, type, limits, proxies)
  }

  /// TLS from the first octet (RFC 8314 §3.3). The usual port is 465.
  public static func implicitTLS(
    host: String, port: UInt16, type: EndpointType = .public, limits: Limits? = nil, proxies: [IPNetwork] = []
  ) -> Endpoint {
    Endpoint(.implicitTLS, host, port, type, limits, proxies)
  }

  /// No TLS and so no AUTH: anybody on the way reads and alters what is sent. For benches and tests on one machine.
  public static func insecurePlaintext(
    host: String, port: UInt16, type: EndpointType = .private, limits: Limits? = nil, proxies: [IPNetwork] = []
  ) -> Endpoint {
    Endpoint(.plaintext, host, port, type, limits, proxies)
  }

  /// `127.0.0.1:587`, `[::1]:587`.
  var name: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
