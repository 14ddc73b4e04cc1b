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

  private init(_ security: ConnectionSecurity, _ host: String, _ port: UInt16, _ type: EndpointType, _ limits: Limits?)
  {
    (self.security, self.host, self.port, self.type, self.limits) = (security, host, port, type, limits)
  }

  /// In clear until STARTTLS, without which no mail is taken (RFC 3207, RFC 6409). The usual port is 587.
  public static func startTLS(
    host: String, port: UInt16, type: EndpointType = .public, limits: Limits? = nil
  ) -> Endpoint {
    Endpoint(.startTLSRequired, host, port, type, limits)
  }

  /// TLS from the first octet (RFC 8314 §3.3). The usual port is 465.
  public static func implicitTLS(
    host: String, port: UInt16, type: EndpointType = .public, limits: Limits? = nil
  ) -> Endpoint {
    Endpoint(.implicitTLS, host, port, type, limits)
  }

  /// No TLS and so no AUTH: anybody on the way reads and alters what is sent. For benches and tests on one machine.
  public static func insecurePlaintext(
    host: String, port: UInt16, type: EndpointType = .private, limits: Limits? = nil
  ) -> Endpoint {
    Endpoint(.plaintext, host, port, type, limits)
  }

  /// `127.0.0.1:587`, `[::1]:587`.
  var name: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
