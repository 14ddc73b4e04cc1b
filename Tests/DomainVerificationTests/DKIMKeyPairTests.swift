import DomainVerification
import LibCrypto
import MailDNS
import Testing

struct DKIMKeyPairTests {
  @Test(arguments: DKIMAlgorithm.allCases)
  func signsAndGoesThroughPEM(algorithm: DKIMAlgorithm) async throws {
    let pair = try DKIMKeyPair.generate(algorithm)
    #expect(pair.algorithm == algorithm)
    let again = try DKIMKeyPair(pem: pair.pem())
    #expect(again.algorithm == algorithm)
    #expect(again.verifyingKey == pair.verifyingKey)
    let digest = [UInt8](repeating: 9, count: 32)
    let signature = try await again.signature(ofDigest: digest)
    #expect(pair.verifyingKey.accepts(signature, digest))
    let record = try DKIMKeyRecord(pair.keyRecord.text.octets)
    #expect(record.holds(pair.verifyingKey))
    #expect(try record.key(for: algorithm).accepts(signature, digest))
    #expect(record.remarks.isEmpty)
    #expect(try !DKIMKeyPair.generate(.ed25519SHA256).keyRecord.holds(pair.verifyingKey))
  }

  @Test func makes2048BitsByDefault() throws {
    #expect(try DKIMKeyPair.generate().verifyingKey.kind == .rsa(bits: 2_048))
  }

  @Test(arguments: [1_024, 2_047, 4_097, .max, -1])
  func makesNoOtherSizes(bits: Int) {
    let error = #expect(throws: CryptoError.self) { try DKIMKeyPair.generate(bits: bits) }
    #expect(error?.code == .unsupportedKey)
  }

  /// A key that signs already is taken.
  @Test func reads1024Bits() throws {
    let key = try SigningKey.generate(.rsa(bits: 1_024))
    #expect(try DKIMKeyPair(pem: key.pem()).verifyingKey.kind == .rsa(bits: 1_024))
  }

  @Test func refusesOtherKinds() throws {
    let pem = try SigningKey.generate(.p256).pem()
    let error = #expect(throws: CryptoError.self) { try DKIMKeyPair(pem: pem) }
    #expect(error?.code == .unsupportedKey)
    let unreadable = #expect(throws: CryptoError.self) { try DKIMKeyPair(pem: [1, 2, 3]) }
    #expect(unreadable?.code == .unreadableKey)
  }

  @Test(arguments: DKIMAlgorithm.allCases, [0, 31, 33])
  func signsDigestsOnly(algorithm: DKIMAlgorithm, count: Int) async throws {
    let pair = try DKIMKeyPair.generate(algorithm)
    let error = await #expect(throws: CryptoError.self) {
      try await pair.signature(ofDigest: [UInt8](repeating: 0, count: count))
    }
    #expect(error?.code == .invalidArgument)
  }
}

extension VerifyingKey {
  /// `#expect` takes calls apart, and cannot hold a Span.
  func accepts(_ signature: [UInt8], _ digest: [UInt8]) -> Bool { isSignature(signature.span, ofDigest: digest.span) }
}
