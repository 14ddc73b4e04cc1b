/// What a public key consists of, and its encodings: SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), RSAPublicKey (RFC 8017 §A.1.1).
enum PublicKeyMaterial: Hashable {
  /// Modulus and exponent, the highest octet first, without zeros in front.
  case rsa(modulus: [UInt8], exponent: [UInt8])
  /// 32 octets (RFC 8032 §5.1.5).
  case ed25519([UInt8])

  /// The most octets of an encoded key that are read: a modulus of 16,384 bits and an exponent as long, with their frame.
  static let largestEncodedCount = 4_160
  static let ed25519Count = 32

  private static let rsaEncryption: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]  // RFC 8017 §C
  private static let edwards: [UInt8] = [0x2B, 0x65, 0x70]  // RFC 8410 §3

  init(subjectPublicKeyInfo octets: [UInt8]) throws(CryptoError) {
    guard octets.count <= Self.largestEncodedCount else { throw .unreadablePublicKey }
    guard var content = DER.only(.sequence, in: octets[...]),
      var algorithm = DER.next(.sequence, from: &content),
      let identifier = DER.next(.objectIdentifier, from: &algorithm),
      let bits = DER.only(.bitString, in: content), bits.first == 0
    else { throw .unreadablePublicKey }
    let key = bits.dropFirst()
    if identifier.elementsEqual(Self.rsaEncryption) {
      // The parameters are NULL (RFC 3279 §2.3.1); some leave them away.
      guard algorithm.isEmpty || DER.only(.null, in: algorithm)?.isEmpty == true else { throw .unreadablePublicKey }
      try self.init(rsaPublicKey: key)
    } else if identifier.elementsEqual(Self.edwards) {
      guard algorithm.isEmpty, key.count == Self.ed25519Count else { throw .unreadablePublicKey }
      self = .ed25519(Array(key))
    } else {
      throw CryptoError(.unsupportedKey, "a public key of another kind than RSA and Ed25519")
    }
  }

  init(rsaPublicKey octets: ArraySlice<UInt8>) throws(CryptoError) {
    guard octets.count <= Self.largestEncodedCount else { throw .unreadablePublicKey }
    guard var content = DER.only(.sequence, in: octets),
      let modulus = DER.next(.integer, from: &content),
      let exponent = DER.only(.integer, in: content)
    else { throw .unreadablePublicKey }
    // Some omit the zero before a modulus whose first bit is set: negative by the letter, and meant otherwise.
    self = .rsa(modulus: Self.magnitude(modulus), exponent: Self.magnitude(exponent))
    guard VerifyingKey.readableRSABits.contains(rsaBits) else {
      throw CryptoError(.unsupportedKey, "an RSA key that has not 512 to 16,384 bits")
    }
  }

  /// The length of the modulus.
  var rsaBits: Int {
    guard case .rsa(let modulus, _) = self, let first = modulus.first else { return 0 }
    return modulus.count * 8 - first.leadingZeroBitCount
  }

  /// RSAPublicKey, or the 32 octets.
  var encoded: [UInt8] {
    switch self {
    case .rsa(let modulus, let exponent):
      DER.element(.sequence, Self.integer(modulus) + Self.integer(exponent))
    case .ed25519(let octets): octets
    }
  }

  var subjectPublicKeyInfo: [UInt8] {
    let algorithm =
      switch self {
      case .rsa: DER.element(.objectIdentifier, Self.rsaEncryption) + DER.element(.null, [])
      case .ed25519: DER.element(.objectIdentifier, Self.edwards)
      }
    return DER.element(.sequence, DER.element(.sequence, algorithm) + DER.element(.bitString, [0] + encoded))
  }

  private static func magnitude(_ octets: ArraySlice<UInt8>) -> [UInt8] { Array(octets.drop { $0 == 0 }) }

  private static func integer(_ magnitude: [UInt8]) -> [UInt8] {
    let needsZero = magnitude.first.map { $0 >= 0x80 } ?? true
    return DER.element(.integer, needsZero ? [0] + magnitude : magnitude)
  }
}

extension CryptoError {
  fileprivate static var unreadablePublicKey: CryptoError { CryptoError(.unreadableKey, "no public key in DER") }
}
