/// A certificate for a TLS server that vouches for itself, with its private key. For demonstrations and tests: a
/// client accepts it only when it is told to trust this very certificate.
public struct SelfSignedCertificate: Sendable {
  /// Whom the certificate names.
  @nonexhaustive public enum SubjectName: Hashable, Sendable {
    /// A domain name, 1 to 253 octets; its first label may be `*`.
    case dns(String)
    /// An IPv4 or IPv6 address in text.
    case ipAddress(String)
  }

  /// The most names in one certificate.
  public static let maximumNames = 100
  /// The most days that one is valid.
  public static let maximumDays = 36_500

  /// The certificate (X.509 version 3, RFC 5280).
  public let certificatePEM: [UInt8]
  /// Its private key (PKCS#8), without a passphrase.
  public let privateKeyPEM: [UInt8]

  /// A new certificate, valid from an hour ago, so that clocks may differ.
  ///
  /// - Parameters:
  ///   - names: the subject alternative names, 1 to 100. The first is the common name too, if it has 64 octets at
  ///     most.
  ///   - days: how long from now it is valid, 1 to 36,500.
  ///   - kind: the key to make for it; default P-256.
  /// - Throws: ``CryptoError`` with code ``CryptoError/Code/invalidArgument`` for a name that is none, or a number out
  ///   of bounds.
  public init(names: [SubjectName], days: Int = 365, kind: SigningKey.Kind = .p256) throws(CryptoError) {
    try self.init(names: names, days: days, key: SigningKey.generate(kind))
  }

  /// The same for a key that is there already.
  public init(names: [SubjectName], days: Int = 365, key: SigningKey) throws(CryptoError) {
    guard (1...Self.maximumNames).contains(names.count) else {
      throw CryptoError(.invalidArgument, "a certificate bears 1 to 100 names")
    }
    guard (1...Self.maximumDays).contains(days) else {
      throw CryptoError(.invalidArgument, "a certificate is valid for 1 to 36,500 days")
    }
    guard names.allSatisfy(\.isValid) else {
      throw CryptoError(.invalidArgument, "a subject name is neither a domain name nor an address")
    }
    let builder = try CertificateBuilder()
    try builder.setSerialNumber()
    try builder.setValidity(days: days)
    try builder.setSubjectAndIssuer(commonName: names.lazy.map(\.text).first { $0.utf8.count <= 64 } ?? "self-signed")
    try builder.setPublicKey(of: key)
    try builder.addExtensions(alternativeNames: names, kind: key.kind)
    try builder.sign(with: key)
    certificatePEM = try builder.pem()
    privateKeyPEM = try key.pem()
  }
}

extension SelfSignedCertificate.SubjectName {
  fileprivate var text: String {
    switch self {
    case .dns(let name): name
    case .ipAddress(let address): address
    }
  }

  /// As libcrypto's extension syntax has it.
  var alternativeName: String {
    switch self {
    case .dns(let name): "DNS:\(name)"
    case .ipAddress(let address): "IP:\(address)"
    }
  }

  /// Whether the text holds only what such a name may: above all no comma, which would begin another name in
  /// libcrypto's syntax. Whether an address is one, libcrypto says.
  fileprivate var isValid: Bool {
    guard (1...253).contains(text.utf8.count) else { return false }
    switch self {
    case .dns(let name):
      var labels = name.split(separator: ".", omittingEmptySubsequences: false)[...]
      if labels.first == "*", labels.count > 1 { labels.removeFirst() }
      return labels.allSatisfy { label in
        (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
          && label.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
      }
    case .ipAddress(let address):
      return address.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") }
    }
  }
}

private func isLetterOrDigit(_ octet: UInt8) -> Bool {
  (0x30...0x39).contains(octet) || (0x61...0x7A).contains(octet | 0x20)
}
