import LibCrypto
import Testing

struct ScryptTests {
  static let vectors = [  // RFC 7914 §12, but for the one that takes a gigabyte
    (
      "", "", 4, 1, 1,
      "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
    ),
    (
      "password", "NaCl", 10, 8, 16,
      "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
    ),
    (
      "pleaseletmein", "SodiumChloride", 14, 8, 1,
      "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
    ),
  ]

  @Test(arguments: vectors)
  func derives(vector: (String, String, Int, Int, Int, String)) throws {
    let (password, salt) = (Array(vector.0.utf8), Array(vector.1.utf8))
    let parameters = try #require(
      ScryptParameters(costExponent: vector.2, blockSize: vector.3, parallelization: vector.4))
    let key = try scrypt(password: password.span, salt: salt.span, parameters: parameters, count: 64)
    #expect(hexadecimal(key) == vector.5)
  }

  @Test func derivesWhatOthersDerive() throws {
    // Python: hashlib.scrypt("pässwörd".encode(), salt=bytes(range(16)), n=16, r=8, p=2, dklen=32)
    let (password, salt) = (Array("pässwörd".utf8), [UInt8](0..<16))
    let parameters = try #require(ScryptParameters(costExponent: 4, blockSize: 8, parallelization: 2))
    let key = try scrypt(password: password.span, salt: salt.span, parameters: parameters)
    #expect(hexadecimal(key) == "ad1abb65548dbd8be27cad5748923a6567825294d4a7871d0077a7389234f4e0")
  }

  @Test(arguments: [
    (0, 8, 1, false), (1, 8, 1, true),
    (15, 1, 1, true), (16, 1, 1, false),  // N < 2^(128 r / 8)
    (16, 8, 2, true), (17, 8, 1, true), (17, 8, 2, false), (17, 9, 1, false), (18, 8, 1, false),
    (14, 8, 8, true), (14, 8, 9, false), (20, 1, 1, false), (21, 8, 1, false),
    (14, 0, 1, false), (14, 8, 0, false), (14, -8, -1, false), (-1, 8, 1, false),
    (1, 524_288, 1, true), (1, 524_289, 1, false), (1, 1, 524_288, true), (1, 1, 524_289, false),
    (14, .max, 1, false), (14, 8, .max, false), (.max, 8, 1, false),
  ])
  func boundsItsCost(costExponent: Int, blockSize: Int, parallelization: Int, isValid: Bool) {
    let parameters = ScryptParameters(
      costExponent: costExponent, blockSize: blockSize, parallelization: parallelization)
    #expect((parameters != nil) == isValid)
  }

  /// At the largest parameters the memory that libcrypto is granted still suffices.
  @Test func derivesAtTheBounds() throws {
    let octets: [UInt8] = [1, 2, 3]
    for (cost, blockSize, parallelization) in [(1, 524_288, 1), (1, 1, 524_288), (17, 8, 1)] {
      let parameters = try #require(
        ScryptParameters(costExponent: cost, blockSize: blockSize, parallelization: parallelization))
      let key = try scrypt(password: octets.span, salt: octets.span, parameters: parameters)
      #expect(key.count == 32)
    }
  }

  @Test(arguments: [(0, false), (1, true), (1_024, true), (1_025, false), (-1, false)])
  func boundsTheKey(count: Int, isValid: Bool) throws {
    let octets: [UInt8] = [1]
    let parameters = try #require(ScryptParameters(costExponent: 1, blockSize: 1, parallelization: 1))
    if isValid {
      let key = try scrypt(password: octets.span, salt: octets.span, parameters: parameters, count: count)
      #expect(key.count == count)
    } else {
      let error = #expect(throws: CryptoError.self) {
        try scrypt(password: octets.span, salt: octets.span, parameters: parameters, count: count)
      }
      #expect(error?.code == .invalidArgument)
    }
  }
}
