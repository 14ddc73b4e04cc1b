/// UTF-8 by RFC 3629, read strictly.
extension Span<UInt8> {
  /// The scalar whose encoding begins at `index`; `nil` where none does: overlong, a surrogate, beyond U+10FFFF or cut off.
  /// It is `UTF8.width` octets long.
  package func scalar(at index: Int) -> Unicode.Scalar? {
    let first = self[index]
    let width: Int
    var value: UInt32
    switch first {
    case 0x00...0x7F: return Unicode.Scalar(first)
    case 0xC2...0xDF: (width, value) = (2, UInt32(first & 0x1F))
    case 0xE0...0xEF: (width, value) = (3, UInt32(first & 0x0F))
    case 0xF0...0xF4: (width, value) = (4, UInt32(first & 0x07))
    default: return nil
    }
    guard width <= count - index else { return nil }
    for offset in 1..<width {
      let next = self[index + offset]
      guard next & 0xC0 == 0x80 else { return nil }
      value = value << 6 | UInt32(next & 0x3F)
    }
    guard let scalar = Unicode.Scalar(value), UTF8.width(scalar) == width else { return nil }
    return scalar
  }

  /// The width of the scalar that begins at `index`, if it is one beyond US-ASCII that may stand in an address.
  func widthOfAddressScalar(at index: Int) -> Int? {
    guard self[index] >= 0x80, let scalar = scalar(at: index), scalar.mayStandInAddress else { return nil }
    return UTF8.width(scalar)
  }

  /// Whether all of this is UTF-8 whose scalars may stand in an address, US-ASCII included.
  package var isInternationalizedText: Bool {
    var index = 0
    while index < count {
      if (0x20...0x7E).contains(self[index]) {
        index += 1
      } else {
        guard let width = widthOfAddressScalar(at: index) else { return false }
        index += width
      }
    }
    return true
  }
}

extension Unicode.Scalar {
  /// Whether a scalar beyond US-ASCII may stand in an address. RFC 6531 §3.3 lets all of them; refused are those that break
  /// lines or end them, that no text may hold, and that make an address read otherwise than it is.
  var mayStandInAddress: Bool {
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: false
    default: !properties.isNoncharacterCodePoint && !properties.isBidiControl
    }
  }
}
