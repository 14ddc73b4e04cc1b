import MailModel
import NIOSSL
import SMTPProtocol

/// What TLS needs, read once.
struct RelayTLS: Sendable {
  private let context: NIOSSLContext
  /// `nil` for a host known by its address, which the certificate must bear then.
  private let serverName: String?
  private let verifiesCertificate: Bool

  init(_ configuration: RelayConfiguration) throws {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    if configuration.client.security == .opportunistic { tls.certificateVerification = .none }
    switch configuration.trust {
    case .systemRoots: break
    case .pemFile(let path): tls.trustRoots = .file(path)
    case .anyCertificate: tls.certificateVerification = .none
    }
    verifiesCertificate = tls.certificateVerification != .none
    do {
      context = try NIOSSLContext(configuration: tls)
    } catch {
      throw TransportError(.unusableCertificates, "the trust roots cannot be read", cause: error)
    }
    if let name = configuration.certificateName {
      serverName = name.description
    } else if case .name(let name) = configuration.relay.host {
      serverName = name.description
    } else {
      serverName = nil
    }
  }

  func makeHandler() throws -> NIOSSLClientHandler {
    try NIOSSLClientHandler(context: context, serverHostname: serverName)
  }

  /// Whether a certificate that NIOSSL has taken is to be taken.
  ///
  /// NIOSSL is content with the peer's address where a name was asked for. But whoever forges the name's addresses may well
  /// have a good certificate for an address of his own; so where a name was asked for, the certificate must bear that name.
  func accepts(_ certificate: NIOSSLCertificate?) -> Bool {
    guard verifiesCertificate, let serverName else { return true }
    guard let names = certificate?._subjectAlternativeNames() else { return false }
    guard names.contains(where: { $0.nameType == .ipAddress }) else { return true }
    return names.contains { name in
      name.nameType == .dnsName && Self.matches(String(decoding: name.contents, as: UTF8.self), serverName)
    }
  }

  /// Whether `pattern` is the name, or has an asterisk in the place of its first label (RFC 9525 §6.3).
  static func matches(_ pattern: String, _ name: String) -> Bool {
    let pattern = pattern.lowercased()
    if pattern == name { return true }
    guard pattern.hasPrefix("*."), let dot = name.firstIndex(of: ".") else { return false }
    return pattern.dropFirst() == name[dot...]
  }

  static let otherHost = "its certificate is another host's"

  /// What went wrong, for a person to read.
  static func describe(_ error: any Error) -> String {
    let text = String(describing: error)
    if text.contains("CERTIFICATE_VERIFY_FAILED") { return "its certificate is not trusted, or is out of date" }
    if text.contains("failedToValidateHostname") { return otherHost }
    return text
  }
}
