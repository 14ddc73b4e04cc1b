import COpenSSL

/// An X509 in the making.
@safe struct CertificateBuilder: ~Copyable {
  private let certificate: OpaquePointer

  init() throws(CryptoError) {
    guard let certificate = unsafe X509_new() else { throw .fromLibrary("no memory for a certificate") }
    guard unsafe X509_set_version(certificate, 2) == 1 else {  // 2 says version 3
      unsafe X509_free(certificate)
      throw .fromLibrary("the certificate's version could not be set")
    }
    unsafe self.certificate = certificate
  }

  deinit { unsafe X509_free(certificate) }

  /// Random and positive (RFC 5280 §4.1.2.2), so that a new certificate is never taken for an old one.
  func setSerialNumber() throws(CryptoError) {
    let octets = try randomBytes(8)
    let number = octets.reduce(0) { $0 << 8 | UInt64($1) } >> 1 | 1
    guard unsafe ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), number) == 1 else {
      throw .fromLibrary("the serial number could not be set")
    }
  }

  func setValidity(days: Int) throws(CryptoError) {
    guard unsafe X509_gmtime_adj(X509_getm_notBefore(certificate), -3_600) != nil,
      unsafe X509_gmtime_adj(X509_getm_notAfter(certificate), days * 86_400) != nil
    else { throw .fromLibrary("the validity could not be set") }
  }

  func setSubjectAndIssuer(commonName: String) throws(CryptoError) {
    let subject = unsafe X509_get_subject_name(certificate)
    guard unsafe X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, commonName, -1, -1, 0) == 1,
      unsafe X509_set_issuer_name(certificate, subject) == 1
    else { throw .fromLibrary("the subject could not be set") }
  }

  func setPublicKey(of key: SigningKey) throws(CryptoError) {
    guard unsafe key.withKey({ unsafe X509_set_pubkey(certificate, $0) }) == 1 else {
      throw .fromLibrary("the public key could not be set")
    }
  }

  func addExtensions(
    alternativeNames names: [SelfSignedCertificate.SubjectName], kind: SigningKey.Kind
  ) throws(CryptoError) {
    // Key exchange by RSA itself, which TLS 1.2 still knows, enciphers with the key. A certificate that vouches for itself
    // signs a certificate: without keyCertSign and CA, some verifiers do not take it for a root.
    let keyExchange = if case .rsa = kind { ",keyEncipherment" } else { "" }
    let keyUsage = "digitalSignature,keyCertSign\(keyExchange)"
    try add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
    try add(NID_key_usage, "critical,\(keyUsage)")
    try add(NID_ext_key_usage, "serverAuth")
    try add(NID_subject_alt_name, names.map(\.alternativeName).joined(separator: ","))
    try add(NID_subject_key_identifier, "hash")
  }

  private func add(_ identifier: Int32, _ value: String) throws(CryptoError) {
    var context = unsafe X509V3_CTX()
    unsafe X509V3_set_ctx(&context, certificate, certificate, nil, nil, 0)
    guard let `extension` = unsafe X509V3_EXT_conf_nid(nil, &context, identifier, value) else {
      throw .fromLibrary("an extension of the certificate is not valid", code: .invalidArgument)
    }
    defer { unsafe X509_EXTENSION_free(`extension`) }
    guard unsafe X509_add_ext(certificate, `extension`, -1) == 1 else {
      throw .fromLibrary("an extension could not be added")
    }
  }

  func sign(with key: SigningKey) throws(CryptoError) {
    // Ed25519 digests by itself.
    let signatureCount = unsafe key.withKey { handle in
      unsafe X509_sign(certificate, handle, key.kind == .ed25519 ? nil : EVP_sha256())
    }
    guard signatureCount > 0 else { throw .fromLibrary("the certificate could not be signed") }
  }

  func pem() throws(CryptoError) -> [UInt8] {
    try unsafe writePEM { unsafe PEM_write_bio_X509($0, certificate) == 1 }
  }
}
