import LibCrypto
import Testing

struct DigestTests {
  static let vectors = [  // FIPS 180-4's examples
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
  ]

  @Test(arguments: vectors)
  func digestsInOnePiece(text: String, digest: String) throws {
    let input = Array(text.utf8)
    let result = try SHA256.digest(of: input.span)
    #expect(hexadecimal(result) == digest)
  }

  @Test(arguments: [1, 63, 64, 65, 1_000])
  func digestsInPieces(size: Int) throws {
    let input = (0..<4_096).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var digest = try SHA256()
    digest.update(input.span.extracting(0..<0))
    var start = 0
    while start < input.count {
      let end = min(start + size, input.count)
      digest.update(input.span.extracting(start..<end))
      start = end
    }
    let pieces = try digest.finish()
    let whole = try SHA256.digest(of: input.span)
    #expect(pieces == whole)
  }

  static let codes: [([UInt8], [UInt8], String)] = [  // RFC 4231 §4.2 to §4.5, §4.7, and nothing at all
    (
      [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
    ),
    (
      Array(1...25), [UInt8](repeating: 0xCD, count: 50),
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
    ),
    (
      [UInt8](repeating: 0xAA, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
    ([], [], "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
  ]

  @Test(arguments: codes)
  func authenticates(key: [UInt8], message: [UInt8], code: String) throws {
    let result = try HMACSHA256.authenticationCode(of: message.span, key: key.span)
    #expect(hexadecimal(result) == code)
  }

  @Test func comparesSecrets() {
    let secret: [UInt8] = [1, 2, 3]
    let same: [UInt8] = [1, 2, 3]
    let others: [[UInt8]] = [[], [1, 2], [1, 2, 3, 4], [1, 2, 2], [0, 2, 3]]
    let isSame = constantTimeEqual(secret.span, same.span)
    #expect(isSame)
    for other in others {
      let isEqual = constantTimeEqual(secret.span, other.span)
      #expect(!isEqual, "\(other)")
    }
    let empty: [UInt8] = []
    let nothingIsNothing = constantTimeEqual(empty.span, empty.span)
    #expect(nothingIsNothing)
  }

  @Test func givesRandomOctets() throws {
    #expect(try randomBytes(0).isEmpty)
    let several = try (0..<100).map { _ in try randomBytes(16) }
    #expect(several.allSatisfy { $0.count == 16 })
    #expect(Set(several).count == 100)
    for count in [-1, Int(Int32.max) + 1] {
      let error = #expect(throws: CryptoError.self) { try randomBytes(count) }
      #expect(error?.code == .invalidArgument)
    }
  }
}
