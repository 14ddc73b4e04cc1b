public import LibCrypto

/// Recognises a secret without holding it. It still helps whoever wants to guess, so it is not for logs.
public struct SecretVerifier: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
  enum Kind: Hashable, Sendable {
    case keyedDigest([UInt8])
    case scrypt(ScryptParameters, salt: [UInt8], key: [UInt8])
  }

  let kind: Kind

  init(_ kind: Kind) { self.kind = kind }

  /// For a secret that was generated here: HMAC-SHA-256 under the deployment's key. Checked in microseconds.
  public static func keyedDigest(
    of secret: GeneratedSecret, under key: DeploymentKey
  ) throws(CryptoError) -> SecretVerifier {
    SecretVerifier(.keyedDigest(try digest(of: Array(secret.text.utf8), under: key)))
  }

  /// For a password that somebody chose: scrypt (RFC 7914) with 16 octets of salt. Slow, here and whenever it is
  /// checked: never call it on an event loop.
  ///
  /// - Parameters:
  ///   - password: its UTF-8 octets are taken as they are, 1 to 1,024 of them without control characters can be sent.
  ///   - parameters: what a check costs. All slow verifiers of one source should cost the same, and as much as the
  ///     ``Authenticator`` was told, or the time of a refusal tells users from strangers.
  public static func scrypt(
    of password: String, parameters: ScryptParameters = .standard
  ) throws(CryptoError) -> SecretVerifier {
    let salt = try randomBytes(saltCount)
    let key = try derive(Array(password.utf8), salt: salt, parameters)
    return SecretVerifier(.scrypt(parameters, salt: salt, key: key))
  }

  /// Whether a check takes a thread for tens of milliseconds.
  public var isSlow: Bool {
    switch kind {
    case .keyedDigest: false
    case .scrypt: true
    }
  }

  /// The kind, and what a check costs. Neither digest nor salt.
  public var description: String {
    switch kind {
    case .keyedDigest: "SecretVerifier(hmac-sha256)"
    case .scrypt(let parameters, _, _): "SecretVerifier(scrypt \(parameters.encoded))"
    }
  }

  /// Does not show the digest.
  public var customMirror: Mirror { .concealing(self) }
}

extension SecretVerifier {
  static let saltCount = 16

  static func digest(of secret: [UInt8], under key: DeploymentKey) throws(CryptoError) -> [UInt8] {
    try HMACSHA256.authenticationCode(of: secret.span, key: key.octets.span)
  }

  static func derive(
    _ password: [UInt8], salt: [UInt8], _ parameters: ScryptParameters
  ) throws(CryptoError) -> [UInt8] {
    try LibCrypto.scrypt(password: password.span, salt: salt.span, parameters: parameters)
  }
}
