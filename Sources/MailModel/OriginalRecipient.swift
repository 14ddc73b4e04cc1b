/// Whom a sender meant: the ORCPT parameter of RCPT (RFC 3461 §4.2, RFC 6533 §3).
public struct OriginalRecipient: Hashable, Sendable, CustomStringConvertible {
  /// `rfc822;user@example.org`.
  public let description: String

  /// What kind of address it is, in lower case: `rfc822`, `utf-8`, … (an atom of US-ASCII).
  public var addressType: String { String(description[..<separator]) }
  /// The address, opaque: nothing here is ever routed by it.
  ///
  /// With the type `utf-8` it is in the form of RFC 6533 §3 (utf-8-addr-unitext): UTF-8, in which `\x{2B}` stands for `+`,
  /// and the like for any scalar. With any other type it is visible US-ASCII and blanks, decoded.
  public var address: String { String(description[description.utf8.index(after: separator)...]) }

  /// Octet by octet: an address is opaque, and Unicode's equivalence of texts is no business of ours.
  public static func == (left: OriginalRecipient, right: OriginalRecipient) -> Bool {
    left.description.utf8.elementsEqual(right.description.utf8)
  }

  private var separator: String.Index {
    description.utf8.firstIndex(of: UInt8(ascii: ";")) ?? description.startIndex  // it is always there
  }

  /// `nil` where the type is no atom, the address is empty or holds what it may not, or the two come to more than 500
  /// octets as they go out (RFC 3461 §4.2), which is in US-ASCII.
  public init?(addressType: String, address: String) {
    let type = Array(addressType.utf8)
    let octets = Array(address.utf8)
    self.init(type.span, octets.span)
  }

  /// The value of the parameter: `type;address`; `nil` where it is none, or is over 500 octets as it is written.
  package init?(wire text: Span<UInt8>) {
    guard text.count <= Self.limit, let typeEnd = text.firstIndex(of: UInt8(ascii: ";")) else { return nil }
    let type = text.extracting(0..<typeEnd)
    let written = text.extracting((typeEnd + 1)...)
    if type.equalsIgnoringCase(Self.internationalizedType) {
      self.init(type, written)
    } else {
      guard let original = Xtext.decode(written, { OriginalRecipient(type, $0) }) else { return nil }
      self = original
    }
  }

  private init?(_ type: Span<UInt8>, _ address: Span<UInt8>) {
    let isInternationalized = type.equalsIgnoringCase(Self.internationalizedType)
    guard type.isAtom, !address.isEmpty, isInternationalized ? address.isUnitext : address.isPrintableASCII else {
      return nil
    }
    let count = isInternationalized ? address.countInASCII : Xtext.encodedCount(address)
    guard type.count + 1 + count <= Self.limit else { return nil }
    description = "\(type.lowercasedText());\(address.text())"
  }
}

extension OriginalRecipient {
  /// Octets of the parameter's value (RFC 3461 §4.2).
  private static var limit: Int { 500 }
  private static var internationalizedType: StaticString { "utf-8" }

  /// Appends the parameter's value in US-ASCII, which every server with DSN takes, be it without SMTPUTF8.
  func append(to output: inout [UInt8]) {
    let (addressType, address) = (addressType, address)
    output.append(contentsOf: addressType.utf8)
    output.append(UInt8(ascii: ";"))
    guard addressType == "utf-8" else { return Xtext.encode(address, into: &output) }
    for scalar in address.unicodeScalars {
      if scalar.isASCII {
        output.append(UInt8(truncatingIfNeeded: scalar.value))
      } else {
        output.append(contentsOf: "\\x{\(String(scalar.value, radix: 16, uppercase: true))}".utf8)
      }
    }
  }
}

extension Span<UInt8> {
  fileprivate var isAtom: Bool {
    for index in indices where !self[index].isAtomText { return false }
    return !isEmpty
  }

  /// Whether this is a utf-8-addr-unitext of RFC 6533 §3.
  fileprivate var isUnitext: Bool {
    var index = 0
    while index < count {
      switch self[index] {
      case UInt8(ascii: "+"), UInt8(ascii: "="): return false
      case UInt8(ascii: "\\"):
        guard let end = endOfEmbeddedScalar(at: index) else { return false }
        index = end
      case 0x21...0x7E: index += 1
      default:
        guard let width = widthOfAddressScalar(at: index) else { return false }
        index += width
      }
    }
    return true
  }

  /// Octets of this UTF-8 once each scalar beyond US-ASCII is written `\x{HEXPOINT}`.
  fileprivate var countInASCII: Int {
    var result = 0
    var index = 0
    while index < count, let scalar = scalar(at: index) {
      let digits = (35 - scalar.value.leadingZeroBitCount) / 4
      result += scalar.isASCII ? 1 : 4 + digits
      index += UTF8.width(scalar)
    }
    return result
  }

  /// `\x{HEXPOINT}`: of US-ASCII only what may not stand there as it is, and none of its controls.
  private func endOfEmbeddedScalar(at start: Int) -> Int? {
    guard count - start > 2, self[start + 1] == UInt8(ascii: "x"), self[start + 2] == UInt8(ascii: "{"),
      let end = firstIndex(of: UInt8(ascii: "}"), from: start), (5...9).contains(end - start)
    else { return nil }
    var value: UInt32 = 0
    for index in (start + 3)..<end {
      guard let digit = self[index].hexadecimalValue else { return nil }
      value = value << 4 | UInt32(digit)
    }
    guard end - start == 5 || self[start + 3] != UInt8(ascii: "0"), let scalar = Unicode.Scalar(value) else {
      return nil
    }
    switch value {
    case 0x20, 0x2B, 0x3D, 0x5C: return end + 1
    default: return value >= 0x80 && scalar.mayStandInAddress ? end + 1 : nil
    }
  }
}
