import LibCrypto
import Testing

struct VerifyingKeyTests {
  /// An RSA key whose modulus has so many bits; no number theory is asked of it.
  static func rsaPublicKey(bits: Int, exponent: [UInt8] = [1, 0, 1]) -> [UInt8] {
    var modulus = [UInt8](repeating: 0xA5, count: (bits + 7) / 8)
    let top = (bits + 7) % 8
    modulus[0] = 1 << top | (modulus[0] & (1 << top - 1))
    return DERElement.sequence(.integer(top == 7 ? [0] + modulus : modulus), .integer(exponent)).octets
  }

  static let rsaAlgorithm = DERElement.sequence(.identifier(octets("2a864886f70d010101")), .null)

  static func info(_ key: [UInt8], _ algorithm: DERElement = rsaAlgorithm) -> [UInt8] {
    DERElement.sequence(algorithm, .bits([0] + key)).octets
  }

  @Test(arguments: [512, 513, 1_023, 1_024, 2_048, 4_096, 8_192, 16_383, 16_384])
  func readsRSA(bits: Int) throws {
    let bare = Self.rsaPublicKey(bits: bits)
    let key = try VerifyingKey(rsaPublicKey: bare)
    #expect(key.kind == .rsa(bits: bits))
    #expect(key.rawRepresentation == bare)
    let info = Self.info(bare)
    #expect(key.subjectPublicKeyInfo == info)
    let same = try VerifyingKey(subjectPublicKeyInfo: info)
    #expect(same == key)
    #expect(same.hashValue == key.hashValue)
    let signature = [UInt8](repeating: 0, count: (bits + 7) / 8)
    #expect(!key.isSignature(signature, ofDigest: Array(signature.prefix(32))))
  }

  @Test(arguments: [0, 8, 511, 16_385, 20_000])
  func refusesOtherSizes(bits: Int) throws {
    let bare = bits == 0 ? DERElement.sequence(.integer([0]), .integer([3])).octets : Self.rsaPublicKey(bits: bits)
    let error = #expect(throws: CryptoError.self) { try VerifyingKey(rsaPublicKey: bare) }
    #expect(error?.code == .unsupportedKey)
  }

  /// A modulus and an exponent at the limit fill the encoding that is read; one octet more is not looked at.
  @Test func boundsTheEncoding() throws {
    let longest = Self.rsaPublicKey(bits: 16_384, exponent: [UInt8](repeating: 0x7F, count: 2_048))
    #expect(try VerifyingKey(subjectPublicKeyInfo: Self.info(longest)).kind == .rsa(bits: 16_384))
    let beyond = Self.rsaPublicKey(bits: 16_384, exponent: [UInt8](repeating: 0x7F, count: 2_200))
    #expect(Self.info(beyond).count > 4_160)
    let error = #expect(throws: CryptoError.self) { try VerifyingKey(subjectPublicKeyInfo: Self.info(beyond)) }
    #expect(error?.code == .unreadableKey)
  }

  /// Different spellings of one key are one key.
  @Test func equalityIsByMaterial() throws {
    let plain = try VerifyingKey(rsaPublicKey: Self.rsaPublicKey(bits: 1_024))
    let bare = Self.rsaPublicKey(bits: 1_024)
    let modulus = [UInt8](bare.dropFirst(7).prefix(128))
    let negative = DERElement.sequence(.integer(modulus), .integer([1, 0, 1])).octets
    #expect(try VerifyingKey(rsaPublicKey: negative) == plain)
    let zeros = DERElement.sequence(.integer([0, 0] + modulus), .integer([0, 1, 0, 1])).octets
    #expect(try VerifyingKey(rsaPublicKey: zeros) == plain)
    let noParameters = Self.info(bare, .sequence(.identifier(octets("2a864886f70d010101"))))
    #expect(try VerifyingKey(subjectPublicKeyInfo: noParameters) == plain)
    let exponent = DERElement.sequence(.integer([0] + modulus), .integer([3])).octets
    #expect(try VerifyingKey(rsaPublicKey: exponent) != plain)
  }

  @Test(arguments: [0, 31, 33, 44])
  func edwardsKeysHave32Octets(count: Int) {
    let octets = [UInt8](repeating: 1, count: count)
    let error = #expect(throws: CryptoError.self) { try VerifyingKey(ed25519: octets) }
    #expect(error?.code == .unreadableKey)
  }

  static let otherKinds: [(String, DERElement)] = [
    ("id-RSASSA-PSS", .sequence(.identifier(octets("2a864886f70d01010a")))),
    ("P-256", .sequence(.identifier(octets("2a8648ce3d0201")), .identifier(octets("2a8648ce3d030107")))),
    ("X25519", .sequence(.identifier(octets("2b656e")))),
    ("Ed448", .sequence(.identifier(octets("2b6571")))),
  ]

  @Test(arguments: otherKinds)
  func refusesOtherKinds(name: String, algorithm: DERElement) {
    let info = Self.info([UInt8](repeating: 4, count: 65), algorithm)
    let error = #expect(throws: CryptoError.self) { try VerifyingKey(subjectPublicKeyInfo: info) }
    #expect(error?.code == .unsupportedKey)
  }

  static let broken: [[UInt8]] = {
    let bare = rsaPublicKey(bits: 1_024)
    let whole = info(bare)
    let edwards = DERElement.sequence(.identifier(octets("2b6570")))
    return [
      [], [0x30], [0x30, 0x80, 0, 0], [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], [0x30, 0xFF], [0x30, 0x82, 0xFF, 0xFF, 0],
      whole + [0], Array(whole.dropLast()), bare, info(bare + [0]), info([]),
      // A length in more octets than it takes.
      [0x30, 0x82, 0x00, 0x9F] + whole.dropFirst(3),
      // Unused bits, no octet of bits, parameters that are no NULL, or one with content.
      DERElement.sequence(rsaAlgorithm, .bits([1] + bare)).octets, DERElement.sequence(rsaAlgorithm, .bits([])).octets,
      info(bare, .sequence(.identifier(octets("2a864886f70d010101")), .integer([1]))),
      info(bare, .sequence(.identifier(octets("2a864886f70d010101")), .init(tag: 5, content: [0]))),
      DERElement.sequence(rsaAlgorithm, .bits([0] + bare), .null).octets,
      info([UInt8](repeating: 1, count: 31), edwards), info([UInt8](repeating: 1, count: 33), edwards),
      info([UInt8](repeating: 1, count: 32), .sequence(.identifier(octets("2b6570")), .null)),
    ]
  }()

  @Test(arguments: broken)
  func refusesWhatIsNoKey(octets: [UInt8]) {
    let error = #expect(throws: CryptoError.self) { try VerifyingKey(subjectPublicKeyInfo: octets) }
    #expect(error?.code == .unreadableKey)
  }

  /// Whatever one octet is changed into, the key is another or none; and no prefix is one.
  @Test func noChangeGoesUnnoticed() throws {
    let whole = Self.info(Self.rsaPublicKey(bits: 512))
    let key = try VerifyingKey(subjectPublicKeyInfo: whole)
    for index in whole.indices {
      #expect(throws: CryptoError.self) { try VerifyingKey(subjectPublicKeyInfo: Array(whole.prefix(index))) }
      for bit in 0..<8 {
        var changed = whole
        changed[index] ^= 1 << bit
        #expect((try? VerifyingKey(subjectPublicKeyInfo: changed)) != key)
      }
    }
  }

  static let exponents: [([UInt8], Bool)] = [
    ([0], false), ([1], false), ([2], false), ([3], true), ([1, 0, 1], true), ([1, 0, 0], false),
    ([0x7F] + [UInt8](repeating: 0xFF, count: 7), true), ([0, 0x80] + [UInt8](repeating: 0xFF, count: 7), true),
    ([1] + [UInt8](repeating: 0xFF, count: 8), false), ([UInt8](repeating: 0x7F, count: 128), false),
  ]

  @Test(arguments: exponents)
  func oddExponentsTo64BitsAreUsable(exponent: [UInt8], isUsable: Bool) throws {
    let key = try VerifyingKey(rsaPublicKey: Self.rsaPublicKey(bits: 1_024, exponent: exponent))
    #expect(key.isUsable == isUsable)
    let signature = [UInt8](repeating: 1, count: 128)
    #expect(!key.isSignature(signature, ofDigest: Array(signature.prefix(32))))
  }

  @Test(arguments: [(1_023, false), (1_024, true), (8_192, true), (8_193, false)])
  func modulusOf1024To8192BitsAreUsable(bits: Int, isUsable: Bool) throws {
    let key = try VerifyingKey(rsaPublicKey: Self.rsaPublicKey(bits: bits))
    #expect(key.isUsable == isUsable)
  }

  /// The product of two odd primes is odd; no signature verifies by another modulus, so nobody is to be told that it can be used.
  @Test func anEvenModulusIsNotUsable() throws {
    let odd = Self.rsaPublicKey(bits: 1_024)
    let even = odd.dropLast(6) + [0xA4] + odd.suffix(5)
    #expect(try VerifyingKey(rsaPublicKey: odd).isUsable)
    #expect(try !VerifyingKey(rsaPublicKey: Array(even)).isUsable)
  }

  /// By an exponent of one the padded digest is its own signature (RFC 8017 §9.2).
  @Test func anExponentOfOneIsNoBackDoor() throws {
    let digest = [UInt8](repeating: 7, count: 32)
    let info = octets("3031300d060960864801650304020105000420") + digest
    let forged = [0, 1] + [UInt8](repeating: 0xFF, count: 128 - 3 - info.count) + [0] + info
    let key = try VerifyingKey(rsaPublicKey: Self.rsaPublicKey(bits: 1_024, exponent: [1]))
    #expect(!key.isSignature(forged, ofDigest: digest))
  }
}

/// Writes DER, apart from the code under test.
struct DERElement: Sendable {
  var tag: UInt8
  var content: [UInt8]

  var octets: [UInt8] {
    let count = content.count
    let length =
      count < 0x80
      ? [UInt8(count)] : count < 0x100 ? [0x81, UInt8(count)] : [0x82, UInt8(count >> 8), UInt8(count & 0xFF)]
    return [tag] + length + content
  }

  static func sequence(_ elements: DERElement...) -> Self { Self(tag: 0x30, content: elements.flatMap(\.octets)) }
  static func integer(_ content: [UInt8]) -> Self { Self(tag: 0x02, content: content) }
  static func bits(_ content: [UInt8]) -> Self { Self(tag: 0x03, content: content) }
  static func identifier(_ content: [UInt8]) -> Self { Self(tag: 0x06, content: content) }
  static let null = Self(tag: 0x05, content: [])
}
