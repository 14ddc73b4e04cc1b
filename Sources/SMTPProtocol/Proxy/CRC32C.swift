/// The checksum of RFC 4960 appendix B (Castagnoli's polynomial, reflected).
enum CRC32C {
  private static let polynomial: UInt32 = 0x82F6_3B78

  /// Bit by bit: a header is short, and few have one.
  static func checksum(of octets: Span<UInt8>, withZerosAt zeros: Range<Int> = 0..<0) -> UInt32 {
    var remainder = UInt32.max
    for index in octets.indices {
      if !zeros.contains(index) { remainder ^= UInt32(octets[index]) }
      for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1 == 0 ? 0 : polynomial) }
    }
    return ~remainder
  }
}
