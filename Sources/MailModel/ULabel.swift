/// A label of a domain name in UTF-8 (RFC 5890 §2.3.2.1), by the rules of RFC 5891 §5.4 and RFC 5892 as far as the standard
/// library knows the properties of Unicode that these need: all but the rule for right-to-left scripts (RFC 5893). What is
/// not in its final form, upper case included, is refused and never mapped; only US-ASCII is folded, as in other labels.
enum ULabel {
  /// Appends the A-label that stands for `label`; `false` where that is no U-label.
  static func appendALabel(of label: Span<UInt8>, to output: inout [UInt8]) -> Bool {
    guard let scalars = scalars(of: label), isValid(scalars) else { return false }
    let start = output.count
    output.append(contentsOf: "xn--".utf8)
    Punycode.encode(scalars, into: &output)
    return output.count - start <= 63
  }

  private static func scalars(of label: Span<UInt8>) -> [Unicode.Scalar]? {
    var scalars: [Unicode.Scalar] = []
    var index = 0
    while index < label.count {
      // Each scalar takes one octet at least of the 59 that stand behind `xn--`.
      guard scalars.count < 59, let scalar = label.scalar(at: index) else { return nil }
      scalars.append(scalar.isASCII ? Unicode.Scalar(UInt8(truncatingIfNeeded: scalar.value).asciiLowercased) : scalar)
      index += UTF8.width(scalar)
    }
    return scalars
  }

  static func isValid(_ label: [Unicode.Scalar]) -> Bool {
    guard let first = label.first, let last = label.last, first != "-", last != "-", !first.isMark else { return false }
    if label.count >= 4, label[2] == "-", label[3] == "-" { return false }
    return label.indices.allSatisfy { isPermitted(label[$0], at: $0, in: label) } && isComposed(label)
  }

  /// The derived property of RFC 5892 §3.
  private static func isPermitted(_ scalar: Unicode.Scalar, at index: Int, in label: [Unicode.Scalar]) -> Bool {
    switch scalar.value {
    case 0x2D, 0x30...0x39, 0x61...0x7A: true
    case 0x00...0x7F: false
    // The exceptions of §2.6.
    case 0xDF, 0x3C2, 0x6FD, 0x6FE, 0xF0B, 0x3007: true
    case 0x640, 0x7FA, 0x302E, 0x302F, 0x3031...0x3035, 0x303B: false
    case 0xB7, 0x375, 0x5F3, 0x5F4, 0x660...0x669, 0x6F0...0x6F9, 0x30FB: isInContext(scalar, at: index, in: label)
    // Old Hangul jamo, §2.9.
    case 0x1100...0x11FF, 0xA960...0xA97C, 0xD7B0...0xD7C6, 0xD7CB...0xD7FB: false
    // Blocks of symbols, §2.4.
    case 0x20D0...0x20FF, 0x1D100...0x1D24F: false
    default:
      scalar.isLetterOrDigit && !scalar.properties.changesWhenNFKCCaseFolded
        && !scalar.properties.isDefaultIgnorableCodePoint
    }
  }

  /// The rules of RFC 5892 appendix A for what depends on its neighbours. Joiners (A.1, A.2) are never taken.
  private static func isInContext(_ scalar: Unicode.Scalar, at index: Int, in label: [Unicode.Scalar]) -> Bool {
    let before = index > 0 ? label[index - 1].value : 0
    let after = index + 1 < label.count ? label[index + 1].value : 0
    switch scalar.value {
    case 0xB7: return before == 0x6C && after == 0x6C  // A.3, Catalan l·l
    case 0x375: return (0x370...0x3FF).contains(after) || (0x1F00...0x1FFF).contains(after)  // A.4, before Greek
    case 0x5F3, 0x5F4: return (0x591...0x5F4).contains(before)  // A.5 and A.6, behind Hebrew
    case 0x30FB: return label.contains(where: \.isKanaOrHan)  // A.7
    case 0x660...0x669: return !label.contains { (0x6F0...0x6F9).contains($0.value) }  // A.8
    default: return !label.contains { (0x660...0x669).contains($0.value) }  // A.9
    }
  }

  /// Whether the label is in Unicode's normalisation form C, as RFC 5891 §5.3 asks.
  ///
  /// Scalars that are stable one by one can only compose with a mark behind them, or change places. The standard library
  /// does not hand out normal forms, but it orders strings by them: a text whose beginning stays in place lies between that
  /// beginning with the first of all scalars behind it and the same with the last of all.
  private static func isComposed(_ label: [Unicode.Scalar]) -> Bool {
    guard label.contains(where: \.isMark) else { return true }
    var text = String(String.UnicodeScalarView(label.prefix(1)))
    for scalar in label.dropFirst() {
      var longer = text
      longer.unicodeScalars.append(scalar)
      guard !scalar.isMark || (text + "\u{0}" < longer && longer < text + "\u{10FFFF}") else { return false }
      text = longer
    }
    return true
  }
}

extension Unicode.Scalar {
  fileprivate var isMark: Bool {
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: true
    default: false
    }
  }

  /// LetterDigits of RFC 5892 §2.1.
  fileprivate var isLetterOrDigit: Bool {
    switch properties.generalCategory {
    case .lowercaseLetter, .uppercaseLetter, .otherLetter, .modifierLetter, .decimalNumber, .nonspacingMark,
      .spacingMark:
      true
    default: false
    }
  }

  /// Hiragana, Katakana or Han, by their blocks.
  fileprivate var isKanaOrHan: Bool {
    switch value {
    case 0x3005, 0x3007, 0x3041...0x3096, 0x309D...0x309F, 0x30A1...0x30FA, 0x30FD...0x30FF, 0x31F0...0x31FF,
      0x3400...0x4DBF, 0x4E00...0x9FFF, 0x20000...0x3FFFF:
      true
    default: false
    }
  }
}
