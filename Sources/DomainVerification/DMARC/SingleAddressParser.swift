import MailModel

/// Reads a field that holds one `mailbox` (RFC 5322 §3.4), each octet once, without recursion.
///
/// A mailbox begins with words either way: those of a name before `<`, or the local part before `@`.
struct SingleAddressParser {
  typealias Failure = AuthorDomainProblem.Failure

  private let octets: [UInt8]
  private var index = 0

  init(octets: [UInt8]) { self.octets = octets }

  /// The domain of the field's only address.
  mutating func domain() throws(Failure) -> DomainName {
    try skipBlanksAndComments()
    let words = try words()
    let domain: DomainName
    switch next {
    case UInt8(ascii: "@"):
      try requireLocalPart(words)
      domain = try addressDomain()
    case UInt8(ascii: "<"):
      domain = try bracketedDomain()
    case UInt8(ascii: ":") where words.count > 0:
      throw Failure(problem: .group)
    default:
      throw syntax("there is no address")
    }
    try skipBlanksAndComments()
    switch next {
    case nil: return domain
    case UInt8(ascii: ","): throw Failure(problem: .severalAddresses)
    default: throw syntax("something follows the address")
    }
  }

  /// `"<" addr-spec ">"`
  private mutating func bracketedDomain() throws(Failure) -> DomainName {
    index += 1
    try skipBlanksAndComments()
    if next == UInt8(ascii: "@") { throw Failure(problem: .route) }
    let words = try words()
    try requireLocalPart(words)
    let domain = try addressDomain()
    guard next == UInt8(ascii: ">") else { throw syntax("> is missing") }
    index += 1
    return domain
  }

  // MARK: Words

  /// What stands before `<` or `@`.
  private struct Words {
    /// Atoms with the dots among them, and quoted strings.
    var count = 0
    /// Whether they can be a local part: one dot-atom, or one quoted string.
    var isLocalPart = false
  }

  /// `*(atom / "." / quoted-string)`, with blanks and comments behind each.
  private mutating func words() throws(Failure) -> Words {
    var words = Words()
    while let octet = next {
      if octet == UInt8(ascii: "\"") {
        try skipQuotedString()
        words.isLocalPart = words.count == 0
      } else if octet.isWordText {
        let start = index
        while let octet = next, octet.isWordText { index += 1 }
        words.isLocalPart = words.count == 0 && isDotAtom(start..<index)
      } else {
        break
      }
      words.count += 1
      try skipBlanksAndComments()
    }
    return words
  }

  private func requireLocalPart(_ words: Words) throws(Failure) {
    guard next == UInt8(ascii: "@") else { throw syntax("@ is missing") }
    guard words.isLocalPart else { throw syntax("no local part stands before the @") }
  }

  private func isDotAtom(_ range: Range<Int>) -> Bool {
    var wasDot = true
    for octet in octets[range] {
      let isDot = octet == UInt8(ascii: ".")
      if isDot && wasDot { return false }
      wasDot = isDot
    }
    return !wasDot
  }

  /// `"@" domain`, with blanks and comments behind it.
  private mutating func addressDomain() throws(Failure) -> DomainName {
    index += 1
    try skipBlanksAndComments()
    if next == UInt8(ascii: "[") { throw Failure(problem: .addressLiteral) }
    let start = index
    while let octet = next, octet.isWordText { index += 1 }
    let text = Array(octets[start..<index])
    guard !text.isEmpty else { throw syntax("no domain stands behind the @") }
    guard let domain = DomainName(text.span) else {
      throw Failure(problem: .noDomain(String(decoding: text.prefix(255), as: UTF8.self)))
    }
    try skipBlanksAndComments()
    return domain
  }

  // MARK: What stands between

  /// `qtext` is all but the quote, the backslash and controls; RFC 6532 §3.2 adds what is beyond US-ASCII.
  private mutating func skipQuotedString() throws(Failure) {
    let start = index
    index += 1
    while let octet = next {
      switch octet {
      case UInt8(ascii: "\""):
        index += 1
        return
      case UInt8(ascii: "\\"): try skipQuotedPair()
      default: try skipText()
      }
    }
    index = start
    throw syntax("the quoted string has no end")
  }

  /// `[CFWS]`, comments within comments counted (RFC 5322 §3.2.2).
  private mutating func skipBlanksAndComments() throws(Failure) {
    var depth = 0
    var start = index
    while let octet = next {
      switch octet {
      case UInt8(ascii: "("):
        if depth == 0 { start = index }
        depth += 1
        index += 1
      case UInt8(ascii: ")") where depth > 0:
        depth -= 1
        index += 1
      case UInt8(ascii: "\\") where depth > 0: try skipQuotedPair()
      case .space, .tab, .carriageReturn, .lineFeed: try skipText()
      default:
        guard depth > 0 else { return }
        try skipText()
      }
    }
    guard depth == 0 else {
      index = start
      throw syntax("the comment has no end")
    }
  }

  /// `"\" (VCHAR / WSP)`
  private mutating func skipQuotedPair() throws(Failure) {
    guard index + 1 < octets.count, octets[index + 1] >= 0x20 || octets[index + 1] == .tab, octets[index + 1] != 0x7F
    else { throw syntax("nothing follows the backslash") }
    index += 2
  }

  /// One octet of text, or a fold: CRLF and a blank.
  private mutating func skipText() throws(Failure) {
    if octets[index] == .carriageReturn {
      guard index + 2 < octets.count, octets[index + 1] == .lineFeed, octets[index + 2].isASCIIBlank else {
        throw syntax("a line ends in the midst of the field")
      }
      index += 3
      return
    }
    guard octets[index] >= 0x20 && octets[index] != 0x7F || octets[index] == .tab else {
      throw syntax("a control character")
    }
    index += 1
  }

  private var next: UInt8? { index < octets.count ? octets[index] : nil }

  private func syntax(_ reason: String) -> Failure {
    Failure(problem: .syntax(column: min(index, octets.count) + 1, reason: reason))
  }
}

extension UInt8 {
  /// `atext` of RFC 5322 §3.2.3 and RFC 6532 §3.2, and the dot between atoms.
  fileprivate var isWordText: Bool { isAtomText || self == UInt8(ascii: ".") || self >= 0x80 }
}
