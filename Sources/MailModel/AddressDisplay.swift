/// How mail addresses are shown to operators, in logs above all.
public enum AddressDisplay: String, Hashable, Sendable, CaseIterable {
  /// Every second character of the local part, from the second on, as `*`, and the domain as it is: `g*e*m*n@example.org`.
  /// A character is a Unicode scalar. A local part of one character is shown.
  case masked
  /// As they are.
  case plain

  /// A mailbox, as `local@domain`.
  public func shown(_ mailbox: Mailbox) -> String {
    switch self {
    case .masked: "\(Self.masked(mailbox.localPart))@\(mailbox.host)"
    case .plain: mailbox.description
    }
  }

  /// A sender, without angle brackets; the null path as `<>`.
  public func shown(_ path: ReversePath) -> String { path.mailbox.map(shown) ?? "<>" }

  /// A recipient, without angle brackets; a postmaster without a domain is nobody's address, and shown.
  public func shown(_ path: ForwardPath) -> String {
    switch path {
    case .mailbox(let mailbox): shown(mailbox)
    case .postmaster: path.description
    }
  }

  /// Text of others that may hold addresses, such as the reply of a remote host.
  ///
  /// Masked is what stands before an `@`: a quoted string, or all up to the nearest blank, control, bracket, quote, comma,
  /// colon or semicolon. Of several `@` in there the last counts, as in a mailbox. Takes time in proportion to the text.
  public func shown(text: String) -> String {
    guard self == .masked, text.utf8.contains(UInt8(ascii: "@")) else { return text }
    var scalars = Array(text.unicodeScalars)
    AddressScanner.forEachLocalPart(in: scalars) { Self.mask(&scalars, $0) }
    return Self.text(of: scalars)
  }

  private static func masked(_ localPart: String) -> String {
    var scalars = Array(localPart.unicodeScalars)
    mask(&scalars, scalars.indices)
    return text(of: scalars)
  }

  private static func mask(_ scalars: inout [Unicode.Scalar], _ range: Range<Int>) {
    for index in range where (index - range.lowerBound) % 2 == 1 { scalars[index] = "*" }
  }

  private static func text(of scalars: [Unicode.Scalar]) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    return String(text)
  }
}

/// Finds what looks like local parts, from the end of a text to its beginning: an `@` within quotes belongs to the local part
/// whose `@` comes behind it.
private struct AddressScanner {
  private let scalars: [Unicode.Scalar]
  /// Whether there is certainly no opening quote any further to the left, so that each is looked for once.
  private var hasNoQuote = false

  static func forEachLocalPart(in scalars: [Unicode.Scalar], _ body: (Range<Int>) -> Void) {
    var scanner = AddressScanner(scalars: scalars)
    var end = scalars.count
    while let at = scalars[..<end].lastIndex(of: "@") {
      end = scanner.startOfLocalPart(before: at)
      body(end..<at)
    }
  }

  private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

  private mutating func startOfLocalPart(before at: Int) -> Int {
    guard at > 0, scalars[at - 1] == "\"" else { return startOfAtoms(before: at) }
    return openingQuote(before: at - 1) ?? startOfAtoms(before: at - 1)
  }

  private func startOfAtoms(before end: Int) -> Int {
    (scalars[..<end].lastIndex { $0.endsLocalPart } ?? -1) + 1
  }

  private mutating func openingQuote(before close: Int) -> Int? {
    guard !hasNoQuote else { return nil }
    var end = close
    while let quote = scalars[..<end].lastIndex(of: "\"") {
      let firstEscape = (scalars[..<quote].lastIndex { $0 != "\\" } ?? -1) + 1
      if (quote - firstEscape) % 2 == 0 { return quote }
      end = firstEscape
    }
    hasNoQuote = true
    return nil
  }
}

extension Unicode.Scalar {
  /// Whether a local part that is not quoted cannot go on to the left of this.
  fileprivate var endsLocalPart: Bool {
    switch self {
    case "<", ">", "(", ")", "[", "]", "{", "}", ",", ":", ";", "\"", "\u{7F}": true
    default: value <= 0x20
    }
  }
}
