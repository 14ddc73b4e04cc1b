/// The little of DER (ITU-T X.690 §10) that public keys are made of: definite lengths in their shortest form.
///
/// It is read here and not by libcrypto, whose decoder takes six times as long as the verification that follows, and which
/// knows more than one spelling of a key.
enum DER {
  enum Tag: UInt8 {
    case integer = 0x02
    case bitString = 0x03
    case null = 0x05
    case objectIdentifier = 0x06
    case sequence = 0x30
  }

  /// Takes the next element from `octets`, and gives its content; `nil` where it has another tag, or is cut short.
  static func next(_ tag: Tag, from octets: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard octets.popFirst() == tag.rawValue, var count = octets.popFirst().map(Int.init) else { return nil }
    if count >= 0x80 {
      // Two octets of length say 65,535, which is more than a key has here.
      guard let high = octets.popFirst() else { return nil }
      switch count {
      case 0x81 where high >= 0x80: count = Int(high)
      case 0x82 where high > 0:
        guard let low = octets.popFirst() else { return nil }
        count = Int(high) << 8 | Int(low)
      default: return nil
      }
    }
    guard octets.count >= count else { return nil }
    defer { octets.removeFirst(count) }
    return octets.prefix(count)
  }

  /// The one element that `octets` are: its content.
  static func only(_ tag: Tag, in octets: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    var rest = octets
    let content = next(tag, from: &rest)
    return rest.isEmpty ? content : nil
  }

  /// An element of at most 65,535 octets.
  static func element(_ tag: Tag, _ content: [UInt8]) -> [UInt8] {
    let (high, low) = (UInt8(truncatingIfNeeded: content.count >> 8), UInt8(truncatingIfNeeded: content.count))
    let length: [UInt8] =
      switch content.count {
      case 0..<0x80: [low]
      case 0x80..<0x100: [0x81, low]
      default: [0x82, high, low]
      }
    return [tag.rawValue] + length + content
  }
}
