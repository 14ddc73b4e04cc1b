/// Base 64 (RFC 4648 §4), strict in both forms, so that no octets have two spellings.
package enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// With padding, as SASL over SMTP has it (RFC 4954 §4).
  package static func encode(_ octets: Span<UInt8>, into output: inout [UInt8]) {
    encodeUnpadded(octets, into: &output)
    for _ in 0..<((3 - octets.count % 3) % 3) { output.append(UInt8(ascii: "=")) }
  }

  /// Without padding.
  package static func encodeUnpadded(_ octets: Span<UInt8>, into output: inout [UInt8]) {
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for index in octets.indices {
      bits = bits << 8 | UInt32(octets[index])
      count += 8
      while count >= 6 {
        count -= 6
        output.append(alphabet[Int(bits >> count & 63)])
      }
    }
    if count > 0 { output.append(alphabet[Int(bits << (6 - count) & 63)]) }
  }

  /// The octets that `text` spells, with padding; `nil` for a length that is no multiple of four, padding anywhere but at
  /// the end, and for whatever ``decodeUnpadded(_:)`` refuses.
  package static func decode(_ text: Span<UInt8>) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    var padding = 0
    while padding < 2, padding < text.count, text[text.count - 1 - padding] == UInt8(ascii: "=") { padding += 1 }
    return decodeUnpadded(text.extracting(0..<(text.count - padding)))
  }

  /// The octets that `text` spells, without padding; `nil` for an octet outside the alphabet, a single character left over,
  /// or bits set behind the last octet.
  package static func decodeUnpadded(_ text: Span<UInt8>) -> [UInt8]? {
    var octets: [UInt8] = []
    octets.reserveCapacity(text.count / 4 * 3 + 2)
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for index in text.indices {
      guard let value = value(of: text[index]) else { return nil }
      bits = bits << 6 | value
      count += 6
      if count >= 8 {
        count -= 8
        octets.append(UInt8(truncatingIfNeeded: bits >> count))
      }
    }
    guard count < 6, bits & (1 << count - 1) == 0 else { return nil }
    return octets
  }

  private static func value(of character: UInt8) -> UInt32? {
    switch character {
    case 0x41...0x5A: UInt32(character) - 0x41
    case 0x61...0x7A: UInt32(character) - 0x61 + 26
    case 0x30...0x39: UInt32(character) - 0x30 + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
