import MailModel

/// The path in the argument of MAIL or RCPT, and where it ends.
struct PathArgument {
  /// Without angle brackets.
  var inner: Range<Int>
  var end: Int

  /// A path of at most 256 octets with its brackets (RFC 5321 §4.5.3.1.3), followed by nothing or by a blank.
  init?(_ text: Span<UInt8>, _ acceptsPathWithoutBrackets: Bool) {
    guard text.count > 0 else { return nil }
    guard text[0] == UInt8(ascii: "<") else {
      guard acceptsPathWithoutBrackets, text.count <= 254, text.isPlainMailbox else { return nil }
      (inner, end) = (0..<text.count, text.count)
      return
    }
    var isQuoted = false
    var index = 1
    while index < text.count, index < 256 {
      switch text[index] {
      case UInt8(ascii: "\\") where isQuoted: index += 1
      case UInt8(ascii: "\""): isQuoted.toggle()
      case UInt8(ascii: ">") where !isQuoted:
        guard index + 1 == text.count || text[index + 1] == .space else { return nil }
        (inner, end) = (1..<index, index + 1)
        return
      default: break
      }
      index += 1
    }
    return nil
  }
}

extension Span<UInt8> {
  /// Whether a path without its brackets is one of `A-d-l ":" Mailbox` (RFC 5321 §4.1.2): no mailbox begins with `@`.
  var isSourceRoute: Bool { count > 0 && self[0] == UInt8(ascii: "@") }

  /// Whether these octets can be a mailbox without quotes at a domain, and nothing behind it.
  fileprivate var isPlainMailbox: Bool {
    var hasAt = false
    for index in indices {
      switch self[index] {
      case UInt8(ascii: "@"): hasAt = true
      case UInt8(ascii: "\""), UInt8(ascii: "["), .space: return false
      default: break
      }
    }
    return hasAt
  }
}
