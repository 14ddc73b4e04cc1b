/// Base 64 as SASL over SMTP uses it (RFC 4648 §4, RFC 4954 §4): strict, so that two spellings never mean the same.
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// The octets that `text` spells; `nil` for a length that is no multiple of four, an octet outside the alphabet,
  /// padding anywhere but at the end, or bits set behind the last octet.
  static func decode(_ text: Span<UInt8>) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    var octets: [UInt8] = []
    octets.reserveCapacity(text.count / 4 * 3)
    var padding = 0
    while padding < 2, padding < text.count, text[text.count - 1 - padding] == UInt8(ascii: "=") { padding += 1 }
    var bits: UInt32 = 0
    for index in 0..<(text.count - padding) {
      guard let value = value(of: text[index]) else { return nil }
      bits = bits << 6 | UInt32(value)
      if index % 4 == 3 {
        octets.append(UInt8(truncatingIfNeeded: bits >> 16))
        octets.append(UInt8(truncatingIfNeeded: bits >> 8))
        octets.append(UInt8(truncatingIfNeeded: bits))
        bits = 0
      }
    }
    switch padding {
    case 1:
      guard bits & 0x3 == 0 else { return nil }
      octets.append(UInt8(truncatingIfNeeded: bits >> 10))
      octets.append(UInt8(truncatingIfNeeded: bits >> 2))
    case 2:
      guard bits & 0xF == 0 else { return nil }
      octets.append(UInt8(truncatingIfNeeded: bits >> 4))
    default: break
    }
    return octets
  }

  static func encode(_ octets: Span<UInt8>, into output: inout [UInt8]) {
    var index = 0
    while index < octets.count {
      let rest = octets.count - index
      let second = rest > 1 ? octets[index + 1] : 0
      let third = rest > 2 ? octets[index + 2] : 0
      let bits = UInt32(octets[index]) << 16 | UInt32(second) << 8 | UInt32(third)
      output.append(alphabet[Int(bits >> 18)])
      output.append(alphabet[Int(bits >> 12 & 63)])
      output.append(rest > 1 ? alphabet[Int(bits >> 6 & 63)] : UInt8(ascii: "="))
      output.append(rest > 2 ? alphabet[Int(bits & 63)] : UInt8(ascii: "="))
      index += 3
    }
  }

  private static func value(of octet: UInt8) -> UInt8? {
    switch octet {
    case 0x41...0x5A: octet - 0x41
    case 0x61...0x7A: octet - 0x61 + 26
    case 0x30...0x39: octet - 0x30 + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
