import LibCrypto

// `#expect` takes calls apart, and cannot hold a Span.

extension SigningKey {
  convenience init(pem octets: [UInt8]) throws { try self.init(pem: octets.span) }

  func sign(digest: [UInt8]) throws -> [UInt8] { try sign(digest: digest.span) }
}

extension VerifyingKey {
  convenience init(subjectPublicKeyInfo octets: [UInt8]) throws { try self.init(subjectPublicKeyInfo: octets.span) }
  convenience init(rsaPublicKey octets: [UInt8]) throws { try self.init(rsaPublicKey: octets.span) }
  convenience init(ed25519 octets: [UInt8]) throws { try self.init(ed25519: octets.span) }

  func isSignature(_ signature: [UInt8], ofDigest digest: [UInt8]) -> Bool {
    isSignature(signature.span, ofDigest: digest.span)
  }
}
