import MailModel

/// A text with macros, `%{i}._spf.%{d}` (RFC 7208 §7.1). Its syntax has been checked.
public struct SPFMacroString: Hashable, Sendable, CustomStringConvertible {
  let source: ArraySlice<UInt8>
  /// Whether there is a `%` in it.
  let hasMacros: Bool
  /// The letters of its macros, a bit for each, that of `a` the lowest.
  private let letters: UInt32

  /// As it stands in the record.
  public var description: String { String(decoding: source, as: UTF8.self) }

  /// Whether a macro has this letter, which is in lower case.
  func uses(_ letter: UInt8) -> Bool { letters & Self.bit(letter) != 0 }

  /// `macro-string`, or `explain-string` where blanks and the letters `c`, `r` and `t` are allowed (RFC 7208 §6.2, §7.2).
  init(_ source: ArraySlice<UInt8>, isExplanation: Bool = false) throws(SPFSyntaxError) {
    var ignored: Range<Int>?
    try self.init(source, isExplanation: isExplanation, lastLiteral: &ignored)
  }

  /// `domain-spec`: it ends in a dot and a top-level domain, or in a macro (RFC 7208 §7.1).
  init(domainSpec source: ArraySlice<UInt8>) throws(SPFSyntaxError) {
    guard !source.isEmpty else { throw SPFSyntaxError(at: source.startIndex, "a domain is missing") }
    var end: Range<Int>?
    try self.init(source, isExplanation: false, lastLiteral: &end)
    if let end { try Self.checkEnd(source[end]) }
  }

  private init(
    _ source: ArraySlice<UInt8>, isExplanation: Bool, lastLiteral: inout Range<Int>?
  ) throws(SPFSyntaxError) {
    self.source = source
    var reader = SPFMacroReader(source, isExplanation: isExplanation)
    var hasMacros = false
    var letters: UInt32 = 0
    while let token = try reader.next() {
      lastLiteral = nil
      switch token {
      case .literal(let range): lastLiteral = range
      case .percent, .blank, .encodedBlank: hasMacros = true
      case .macro(let macro):
        hasMacros = true
        letters |= Self.bit(macro.letter)
      }
    }
    (self.hasMacros, self.letters) = (hasMacros, letters)
  }

  /// `"." toplabel [ "." ]`
  private static func checkEnd(_ literal: ArraySlice<UInt8>) throws(SPFSyntaxError) {
    let text = literal.last == UInt8(ascii: ".") ? literal.dropLast() : literal
    guard let dot = text.lastIndex(of: UInt8(ascii: ".")) else {
      throw SPFSyntaxError(at: literal.startIndex, "a domain must end in a dot and a top-level domain, or in a macro")
    }
    let label = text[(dot + 1)...]
    guard let first = label.first, let last = label.last, first.isASCIIAlphanumeric, last.isASCIIAlphanumeric,
      label.allSatisfy({ $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "-") })
    else { throw SPFSyntaxError(at: label.startIndex, "\(quoted(label)) is no top-level domain") }
    guard label.contains(where: { !$0.isASCIIDigit }) else {
      throw SPFSyntaxError(at: label.startIndex, "no top-level domain is a number; addresses go with ip4 and ip6")
    }
  }

  private static func bit(_ letter: UInt8) -> UInt32 { 1 << UInt32(letter &- UInt8(ascii: "a")) }
}

/// One macro: `%{l2r-}`.
struct SPFMacro {
  /// In lower case.
  var letter: UInt8
  /// Whether it was written in upper case: what it gives is escaped as in a URL.
  var isEscaped: Bool
  /// How many parts from the right are kept; `nil` for all.
  var parts: Int?
  var isReversed: Bool
  /// Where the octets stand at which the value is parted; a dot, where there are none.
  var delimiters: Range<Int>
}

/// Takes a text with macros apart.
struct SPFMacroReader {
  enum Token {
    case literal(Range<Int>)
    /// `%%`
    case percent
    /// `%_`
    case blank
    /// `%-`
    case encodedBlank
    case macro(SPFMacro)
  }

  let source: ArraySlice<UInt8>
  private let isExplanation: Bool
  private var index: Int

  init(_ source: ArraySlice<UInt8>, isExplanation: Bool) {
    (self.source, self.isExplanation, index) = (source, isExplanation, source.startIndex)
  }

  /// The next part; `nil` at the end.
  mutating func next() throws(SPFSyntaxError) -> Token? {
    let start = index
    while index < source.endIndex, source[index] != UInt8(ascii: "%") {
      guard source[index].isASCIIVisible || (isExplanation && source[index] == .space) else {
        throw SPFSyntaxError(at: index, "an octet that no record may hold, \(quoted(source[index...index]))")
      }
      index += 1
    }
    if index > start { return .literal(start..<index) }
    guard index < source.endIndex else { return nil }
    index += 2
    switch start + 1 < source.endIndex ? source[start + 1] : 0 {
    case UInt8(ascii: "%"): return .percent
    case UInt8(ascii: "_"): return .blank
    case UInt8(ascii: "-"): return .encodedBlank
    case UInt8(ascii: "{"): return .macro(try macro(from: start))
    default: throw SPFSyntaxError(at: start, "a % without {, %, _ or - behind it")
    }
  }

  /// `macro-letter transformers *delimiter "}"`, behind the brace.
  private mutating func macro(from start: Int) throws(SPFSyntaxError) -> SPFMacro {
    let letter = index < source.endIndex ? source[index] : 0
    switch letter | 0x20 {
    case UInt8(ascii: "s"), UInt8(ascii: "l"), UInt8(ascii: "o"), UInt8(ascii: "d"), UInt8(ascii: "i"),
      UInt8(ascii: "p"), UInt8(ascii: "h"), UInt8(ascii: "v"):
      break
    case UInt8(ascii: "c"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      guard isExplanation else {
        throw SPFSyntaxError(at: start, "the macros c, r and t are for the text of an explanation alone")
      }
    default: throw SPFSyntaxError(at: start, "there is no such macro")
    }
    index += 1
    let parts = try partCount()
    var isReversed = false
    if index < source.endIndex, source[index] | 0x20 == UInt8(ascii: "r") {
      isReversed = true
      index += 1
    }
    let delimiters = index
    while index < source.endIndex, source[index].isSPFDelimiter { index += 1 }
    guard index < source.endIndex, source[index] == UInt8(ascii: "}") else {
      throw SPFSyntaxError(at: start, "a macro without its closing brace")
    }
    index += 1
    return SPFMacro(
      letter: letter | 0x20, isEscaped: letter & 0x20 == 0, parts: parts, isReversed: isReversed,
      delimiters: delimiters..<(index - 1))
  }

  /// `*DIGIT`, which is not zero (RFC 7208 §7.3). No value has so many parts as would overflow.
  private mutating func partCount() throws(SPFSyntaxError) -> Int? {
    let start = index
    var count = 0
    while index < source.endIndex, source[index].isASCIIDigit {
      count = min(count * 10 + Int(source[index] - 0x30), SPFRecord.largestCount)
      index += 1
    }
    guard index > start else { return nil }
    guard count > 0 else { throw SPFSyntaxError(at: start, "a macro that keeps no part") }
    return count
  }
}

extension UInt8 {
  /// `delimiter` of RFC 7208 §7.1.
  fileprivate var isSPFDelimiter: Bool {
    switch self {
    case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: "/"),
      UInt8(ascii: "_"), UInt8(ascii: "="):
      true
    default: false
    }
  }
}
