import Testing

@testable import SMTPProtocol

@Suite struct ProxyChecksumTests {
  /// The check value of the polynomial, and the test vectors of RFC 3720 appendix B.4.
  @Test(
    arguments: [
      (Array("123456789".utf8), 0xE306_9283), (Array(repeating: 0, count: 32), 0x8A91_36AA),
      (Array(repeating: 0xFF, count: 32), 0x62A8_AB43), (Array(0..<32), 0x46DD_794E), ([], 0),
    ] as [([UInt8], UInt32)])
  func isThatOfTheStandard(octets: [UInt8], expected: UInt32) {
    #expect(CRC32C.checksum(of: octets.span) == expected)
    #expect(referenceCRC32C(octets) == expected)
  }

  @Test func aPartCountsAsZeros() {
    let octets: [UInt8] = [1, 2, 3, 4, 5]
    #expect(
      CRC32C.checksum(of: octets.span, withZerosAt: 1..<3) == CRC32C.checksum(of: ([1, 0, 0, 4, 5] as [UInt8]).span))
  }
}
