/// Octet classes of RFC 5234 and RFC 5321, for parsers that read bytes.
extension UInt8 {
  @inlinable package static var carriageReturn: UInt8 { 0x0D }
  @inlinable package static var lineFeed: UInt8 { 0x0A }
  @inlinable package static var space: UInt8 { 0x20 }
  @inlinable package static var tab: UInt8 { 0x09 }

  package var isASCIILetter: Bool { (0x61...0x7A).contains(self | 0x20) }
  package var isASCIIDigit: Bool { (0x30...0x39).contains(self) }
  package var isASCIIAlphanumeric: Bool { isASCIILetter || isASCIIDigit }
  package var isASCIIBlank: Bool { self == .space || self == .tab }
  package var isASCIIVisible: Bool { (0x21...0x7E).contains(self) }

  /// `A`–`Z` as `a`–`z`; every other octet as it is.
  package var asciiLowercased: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }

  /// `atext` of RFC 5322 §3.2.3.
  package var isAtomText: Bool {
    if isASCIIAlphanumeric { return true }
    switch self {
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
      UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "/"),
      UInt8(ascii: "="), UInt8(ascii: "?"), UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"),
      UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"), UInt8(ascii: "~"):
      return true
    default: return false
    }
  }

  /// The value of a hexadecimal digit, upper or lower case.
  package var hexadecimalValue: UInt8? {
    switch self {
    case 0x30...0x39: self - 0x30
    case 0x41...0x46: self - 0x41 + 10
    case 0x61...0x66: self - 0x61 + 10
    default: nil
    }
  }
}

extension Span<UInt8> {
  /// Whether these octets are `text`, which is written in lower case, in any case.
  package func equalsIgnoringCase(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { expected in
      for index in indices where unsafe self[index].asciiLowercased != expected[index] { return false }
      return true
    }
  }

  /// Whether these octets begin with `text`, which is written in lower case, in any case.
  package func startsIgnoringCase(_ text: StaticString) -> Bool {
    count >= text.utf8CodeUnitCount && extracting(0..<text.utf8CodeUnitCount).equalsIgnoringCase(text)
  }

  package func firstIndex(of octet: UInt8, from start: Int = 0) -> Int? {
    var index = start
    while index < count {
      if self[index] == octet { return index }
      index += 1
    }
    return nil
  }

  /// Whether any of these octets is beyond US-ASCII. Without a branch for each, since every octet of a message comes here.
  package var hasHighOctets: Bool {
    var all: UInt8 = 0
    for index in indices { all |= self[index] }
    return all >= 0x80
  }

  /// Whether these octets are visible US-ASCII and blanks.
  package var isPrintableASCII: Bool {
    for index in indices where !(0x20...0x7E).contains(self[index]) { return false }
    return true
  }

  package func array() -> [UInt8] { unsafe withUnsafeBufferPointer { unsafe Array($0) } }

  /// These octets as text, its US-ASCII in lower case. They are UTF-8.
  package func lowercasedText() -> String {
    unsafe String(unsafeUninitializedCapacity: count) { text in
      for index in indices { unsafe text[index] = self[index].asciiLowercased }
      return count
    }
  }

  /// These octets as text; what is not UTF-8 becomes U+FFFD.
  package func text() -> String { unsafe withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) } }
}

extension [UInt8] {
  package mutating func append(contentsOf octets: Span<UInt8>) {
    unsafe octets.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
  }
}
