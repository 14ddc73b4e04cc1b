/// The xtext of RFC 3461 §4: visible US-ASCII but `+` and `=` as it is, any other octet as `+` and two upper-case digits.
package enum Xtext {
  /// Reads the octets that `text` spells; `nil` where it is no xtext, or where `read` gives nothing.
  ///
  /// What they may be is for `read` to say: a control that is spelt out breaks a log, a header or a spool file further
  /// on (CVE-2020-28021, CVE-2020-28026). Up to 1,024 octets are decoded without an allocation.
  package static func decode<Value>(_ text: Span<UInt8>, _ read: (Span<UInt8>) -> Value?) -> Value? {
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: text.count) { octets in
      var count = 0
      var index = 0
      while index < text.count {
        guard let (octet, width) = octet(in: text, at: index) else { return nil }
        unsafe octets[count] = octet
        count += 1
        index += width
      }
      return unsafe read(UnsafeBufferPointer(octets.extracting(0..<count)).span)
    }
  }

  /// Appends what spells `octets`.
  package static func encode(_ octets: Span<UInt8>, into output: inout [UInt8]) {
    for index in octets.indices {
      let octet = octets[index]
      if isLiteral(octet) {
        output.append(octet)
      } else {
        output.append(UInt8(ascii: "+"))
        output.append(upperHexadecimalDigit(octet >> 4))
        output.append(upperHexadecimalDigit(octet & 15))
      }
    }
  }

  /// Appends what spells `text` in UTF-8.
  static func encode(_ text: String, into output: inout [UInt8]) {
    let octets = Array(text.utf8)
    encode(octets.span, into: &output)
  }

  /// How many octets spell `octets`.
  package static func encodedCount(_ octets: Span<UInt8>) -> Int {
    var count = 0
    for index in octets.indices { count += isLiteral(octets[index]) ? 1 : 3 }
    return count
  }

  /// The octet that is spelt at `index`, and in how many.
  private static func octet(in text: Span<UInt8>, at index: Int) -> (octet: UInt8, width: Int)? {
    guard text[index] == UInt8(ascii: "+") else { return isLiteral(text[index]) ? (text[index], 1) : nil }
    guard index + 2 < text.count, let high = text[index + 1].upperHexadecimalValue,
      let low = text[index + 2].upperHexadecimalValue
    else { return nil }
    return (high << 4 | low, 3)
  }

  private static func isLiteral(_ octet: UInt8) -> Bool {
    octet.isASCIIVisible && octet != UInt8(ascii: "+") && octet != UInt8(ascii: "=")
  }

  private static func upperHexadecimalDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
  }
}

extension UInt8 {
  /// `hexchar` has upper-case digits alone.
  fileprivate var upperHexadecimalValue: UInt8? { (0x61...0x66).contains(self) ? nil : hexadecimalValue }
}
