/// The xtext of RFC 3461 §4: visible US-ASCII but `+` and `=` as it is, any other octet as `+` and two upper-case digits.
package enum Xtext {
  /// The octets that `text` spells; `nil` where it is none.
  package static func decode(_ text: Span<UInt8>) -> [UInt8]? {
    var octets: [UInt8] = []
    octets.reserveCapacity(text.count)
    var index = 0
    while index < text.count {
      switch text[index] {
      case UInt8(ascii: "+"):
        guard index + 2 < text.count, let high = text[index + 1].upperHexadecimalValue,
          let low = text[index + 2].upperHexadecimalValue
        else { return nil }
        octets.append(high << 4 | low)
        index += 2
      case UInt8(ascii: "="): return nil
      case 0x21...0x7E: octets.append(text[index])
      default: return nil
      }
      index += 1
    }
    return octets
  }

  /// Appends what spells `octets`.
  package static func encode(_ octets: Span<UInt8>, into output: inout [UInt8]) {
    for index in octets.indices {
      let octet = octets[index]
      if isLiteral(octet) {
        output.append(octet)
      } else {
        output.append(UInt8(ascii: "+"))
        output.append(digits[Int(octet >> 4)])
        output.append(digits[Int(octet & 15)])
      }
    }
  }

  /// How many octets spell `octets`.
  package static func encodedCount(_ octets: Span<UInt8>) -> Int {
    var count = 0
    for index in octets.indices { count += isLiteral(octets[index]) ? 1 : 3 }
    return count
  }

  private static let digits = Array("0123456789ABCDEF".utf8)

  private static func isLiteral(_ octet: UInt8) -> Bool {
    octet.isASCIIVisible && octet != UInt8(ascii: "+") && octet != UInt8(ascii: "=")
  }
}

extension UInt8 {
  /// `hexchar` has upper-case digits alone.
  fileprivate var upperHexadecimalValue: UInt8? { (0x61...0x66).contains(self) ? nil : hexadecimalValue }
}
