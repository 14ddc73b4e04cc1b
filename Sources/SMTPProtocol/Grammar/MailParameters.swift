import MailModel

/// The parameters of MAIL (RFC 5321 §4.1.2) that the session understands.
struct MailParameters: Equatable {
  /// SIZE (RFC 1870 §6): at most 20 digits; a number too large to count is as good as the largest.
  var size: Int?
  /// BODY (RFC 6152).
  var bodyType: BodyType?
  /// Whether AUTH stood there (RFC 4954 §5). Nobody here is trusted to speak for another, so that the value counts as
  /// `<>`, as that section asks.
  var hasSubmitter = false

  var isEmpty: Bool { self == MailParameters() }

  struct Refusal: Error {
    var reply: SMTPReply
  }

  static func parse(_ text: Span<UInt8>) -> Result<MailParameters, Refusal> {
    var parameters = MailParameters()
    var index = 0
    while index < text.count {
      guard !text[index].isASCIIBlank else {
        index += 1
        continue
      }
      let start = index
      while index < text.count, !text[index].isASCIIBlank { index += 1 }
      let word = text.extracting(start..<index)
      if let refusal = parameters.take(word) { return .failure(Refusal(reply: refusal)) }
    }
    return .success(parameters)
  }

  /// Takes one `keyword=value`; gives a reply where that cannot be.
  private mutating func take(_ word: Span<UInt8>) -> SMTPReply? {
    let nameEnd = word.firstIndex(of: UInt8(ascii: "=")) ?? word.count
    let name = word.extracting(0..<nameEnd)
    let value = word.extracting(min(nameEnd + 1, word.count)...)
    if name.equalsIgnoringCase("size") {
      guard size == nil, let number = Self.size(value) else { return .syntax("Syntax: SIZE=octets, once") }
      size = number
    } else if name.equalsIgnoringCase("body") {
      guard bodyType == nil else { return .syntax("BODY may stand only once") }
      if value.equalsIgnoringCase("7bit") {
        bodyType = .sevenBit
      } else if value.equalsIgnoringCase("8bitmime") {
        bodyType = .eightBitMIME
      } else {
        return .syntax("BODY is 7BIT or 8BITMIME")
      }
    } else if name.equalsIgnoringCase("auth") {
      guard !hasSubmitter, Self.isXtext(value) else { return .syntax("Syntax: AUTH=xtext, once") }
      hasSubmitter = true
    } else {
      return .unknownParameter
    }
    return nil
  }

  private static func size(_ value: Span<UInt8>) -> Int? {
    guard (1...20).contains(value.count) else { return nil }
    var number = 0
    for index in value.indices {
      guard value[index].isASCIIDigit else { return nil }
      let (product, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, sumOverflow) = product.addingReportingOverflow(Int(value[index] - 0x30))
      number = overflow || sumOverflow ? .max : sum
    }
    return number
  }

  /// RFC 3461 §4, none of whose octets may spell a control character.
  private static func isXtext(_ value: Span<UInt8>) -> Bool {
    guard (1...500).contains(value.count) else { return false }
    var index = 0
    while index < value.count {
      switch value[index] {
      case UInt8(ascii: "+"):
        guard index + 2 < value.count, let high = value[index + 1].hexadecimalValue,
          let low = value[index + 2].hexadecimalValue, (0x20...0x7E).contains(high << 4 | low)
        else { return false }
        index += 2
      case UInt8(ascii: "="): return false
      case 0x21...0x7E: break
      default: return false
      }
      index += 1
    }
    return true
  }
}
