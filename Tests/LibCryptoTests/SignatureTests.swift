import LibCrypto
import Testing

struct SignatureTests {
  /// RFC 8032 §7.1: secret key, public key, message, signature.
  static let edwardsVectors: [[String]] = [
    [
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      """
      e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246551\
      41438e7a100b
      """,
    ],
    [
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      """
      92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d\
      291612bb0c00
      """,
    ],
    [
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      """
      6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027\
      beceea1ec40a
      """,
    ],
    [
      "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
      "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
      """
      ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9a\
      c94fa54ca49f
      """,
      """
      dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9be\
      f1177331a704
      """,
    ],
  ]

  @Test(arguments: edwardsVectors)
  func signsAndVerifiesEdwardsVectors(vector: [String]) throws {
    let (message, signature) = (octets(vector[2]), octets(vector[3]))
    let key = try SigningKey.edwards(octets(vector[0]))
    #expect(try key.sign(digest: message) == signature)
    let publicKey = octets(vector[1])
    let verifying = try VerifyingKey(ed25519: publicKey)
    #expect(try key.verifyingKey == verifying)
    #expect(verifying.kind == .ed25519)
    #expect(verifying.rawRepresentation == publicKey)
    #expect(verifying.isSignature(signature, ofDigest: message))
    for bit in stride(from: 0, to: signature.count * 8, by: 37) {
      var changed = signature
      changed[bit / 8] ^= 1 << (bit % 8)
      #expect(!verifying.isSignature(changed, ofDigest: message))
    }
  }

  /// RFC 8463 §A.2 gives the first key of RFC 8032 in base 64, SubjectPublicKeyInfo is RFC 8410 §4.
  @Test func writesEdwardsKeys() throws {
    let raw = octets(Self.edwardsVectors[0][1])
    let key = try VerifyingKey(ed25519: raw)
    #expect(key.subjectPublicKeyInfo == octets("302a300506032b6570032100") + raw)
    let info = key.subjectPublicKeyInfo
    #expect(try VerifyingKey(subjectPublicKeyInfo: info) == key)
  }

  @Test(arguments: [1_024, 1_025, 2_048, 3_072])
  func signsAndVerifiesWithRSA(bits: Int) throws {
    let key = try SigningKey.generate(.rsa(bits: bits))
    let digest = try SHA256.digest(of: ([1, 2, 3] as [UInt8]).span)
    let signature = try key.sign(digest: digest)
    #expect(signature.count == (bits + 7) / 8)
    let verifying = try key.verifyingKey
    #expect(verifying.kind == .rsa(bits: bits))
    #expect(verifying.isSignature(signature, ofDigest: digest))
    #expect(!verifying.isSignature(signature, ofDigest: Array(signature.prefix(32))))
    #expect(!verifying.isSignature(Array(signature.dropLast()), ofDigest: digest))
    #expect(!verifying.isSignature(([0] + signature), ofDigest: digest))
    #expect(!verifying.isSignature([], ofDigest: digest))
    for count in [0, 31, 33] {
      let other = [UInt8](repeating: 1, count: count)
      #expect(!verifying.isSignature(signature, ofDigest: other))
      let error = #expect(throws: CryptoError.self) { try key.sign(digest: other) }
      #expect(error?.code == .invalidArgument)
    }
    let other = try SigningKey.generate(.rsa(bits: bits)).verifyingKey
    #expect(other != verifying)
    #expect(!other.isSignature(signature, ofDigest: digest))
  }

  @Test func signsNothingWithP256() throws {
    let key = try SigningKey.generate(.p256)
    let digest = [UInt8](repeating: 0, count: 32)
    #expect(throws: CryptoError.self) { try key.sign(digest: digest) }
    let error = #expect(throws: CryptoError.self) { try key.verifyingKey }
    #expect(error?.code == .unsupportedKey)
  }

  /// One key, used by many threads at once.
  @Test func signsOnManyThreads() async throws {
    let key = try SigningKey.generate(.rsa(bits: 1_024))
    let verifying = try key.verifyingKey
    let allVerify = await withTaskGroup(of: Bool.self) { group in
      for number in UInt8(0)..<64 {
        group.addTask {
          let digest = [UInt8](repeating: number, count: 32)
          guard let signature = try? key.sign(digest: digest) else { return false }
          return verifying.isSignature(signature, ofDigest: digest)
        }
      }
      return await group.allSatisfy { $0 }
    }
    #expect(allVerify)
  }

  @Test func leavesNoErrorBehind() throws {
    let key = try SigningKey.generate(.rsa(bits: 1_024))
    let digest = [UInt8](repeating: 0, count: 32)
    #expect(try !key.verifyingKey.isSignature([UInt8](repeating: 1, count: 128), ofDigest: digest))
    // This error speaks of libcrypto's reason, if one was left in the thread's queue.
    let error = #expect(throws: CryptoError.self) { try SigningKey(pem: [UInt8](repeating: 0x0A, count: 65_537)) }
    #expect(error?.reason == nil)
    let failure = #expect(throws: CryptoError.self) { try SelfSignedCertificate(names: [.ipAddress("1")]) }
    #expect(failure?.reason?.contains("digest") != true)
  }
}

extension SigningKey {
  /// A key from its 32 octets, in PKCS#8 (RFC 8410 §7).
  static func edwards(_ secret: [UInt8]) throws -> SigningKey {
    let encoded = octets("302e020100300506032b657004220420") + secret
    var pem = "-----BEGIN PRIVATE KEY-----\n"
    pem += base64(encoded) + "\n-----END PRIVATE KEY-----\n"
    let text = Array(pem.utf8)
    return try SigningKey(pem: text)
  }
}
