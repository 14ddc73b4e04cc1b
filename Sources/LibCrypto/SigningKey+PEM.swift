import COpenSSL

extension SigningKey {
  /// The most octets of PEM that are looked at: 64 KiB. A key of 8,192 bits takes 7.
  public static let maximumPEMCount = 65_536

  /// The first private key in `pem`: PKCS#8 (RFC 5958), or one of the older forms, without a passphrase.
  ///
  /// - Throws: ``CryptoError`` with code ``CryptoError/Code/unreadableKey`` where there is none, or it asks for a
  ///   passphrase; ``CryptoError/Code/unsupportedKey`` where it is none of ``Kind``.
  public convenience init(pem: Span<UInt8>) throws(CryptoError) {
    guard pem.count <= Self.maximumPEMCount else {
      throw CryptoError(.unreadableKey, "the PEM is larger than 64 KiB")
    }
    let key = unsafe pem.withUnsafeBytes { bytes -> OpaquePointer? in
      guard let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else { return nil }
      defer { unsafe BIO_free(bio) }
      // Without a function of ours libcrypto would ask for the passphrase on the terminal.
      return unsafe PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil)
    }
    guard let key = unsafe key else {
      throw .fromLibrary("no private key in PEM without a passphrase", code: .unreadableKey)
    }
    guard let kind = unsafe Kind(of: key) else {
      unsafe EVP_PKEY_free(key)
      throw .fromLibrary("neither RSA of 1,024 to 8,192 bits, nor Ed25519, nor P-256", code: .unsupportedKey)
    }
    unsafe self.init(taking: key, kind: kind)
  }

  /// The key as PKCS#8 in PEM, without a passphrase. Whoever has it can sign.
  public func pem() throws(CryptoError) -> [UInt8] {
    try unsafe writePEM { bio in
      unsafe withKey { unsafe PEM_write_bio_PKCS8PrivateKey(bio, $0, nil, nil, 0, nil, nil) == 1 }
    }
  }
}

/// What `write` puts into a BIO in memory.
@unsafe func writePEM(_ write: (OpaquePointer) -> Bool) throws(CryptoError) -> [UInt8] {
  guard let bio = unsafe BIO_new(BIO_s_mem()) else { throw .fromLibrary("no memory for PEM") }
  defer { unsafe BIO_free(bio) }
  guard unsafe write(bio) else { throw .fromLibrary("PEM could not be written") }
  var octets = [UInt8](repeating: 0, count: unsafe BIO_ctrl_pending(bio))
  guard unsafe BIO_read(bio, &octets, Int32(octets.count)) == octets.count else {
    throw .fromLibrary("PEM could not be written")
  }
  return octets
}
