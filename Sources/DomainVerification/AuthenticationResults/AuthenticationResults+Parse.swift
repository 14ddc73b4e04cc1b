import MailModel

extension AuthenticationResults {
  /// Where a value breaks the grammar.
  public struct SyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The octet at fault behind the colon of the field, the first being 1.
    public var column: Int
    /// What is wrong there.
    public var reason: String

    /// `column 12: …`
    public var description: String { "column \(column): \(reason)" }
  }

  /// Most octets of a field that are read: as many as a message's field may have here.
  public static let largestCount = 65_536
  /// Most results in a field.
  public static let resultLimit = 100
  /// Most properties of one result.
  public static let propertyLimit = 100

  /// The field of a value, which is what stands behind the colon, folds and comments included (RFC 8601 §2.2).
  ///
  /// Unknown methods, results and kinds of properties are taken, and a semicolon at the end. Of the comments only
  /// that behind a result is kept.
  ///
  /// - Throws: ``SyntaxError`` where the value is over a limit or breaks the grammar.
  public init(parsing value: String) throws(SyntaxError) { try self.init(parsing: Array(value.utf8)) }

  /// The same of octets.
  public init(parsing value: [UInt8]) throws(SyntaxError) {
    guard value.count <= Self.largestCount else {
      throw SyntaxError(column: Self.largestCount, reason: "the field is over \(Self.largestCount) octets")
    }
    var scanner = AuthenticationResultsScanner(value)
    try scanner.skipBlanks()
    let service = try scanner.value("the name of the service")
    try scanner.skipBlanks()
    let version = try scanner.version()
    self.init(service, version: version)
    try scanner.skipBlanks()
    while scanner.skip(";") {
      try scanner.skipBlanks()
      if scanner.isAtEnd { break }
      guard results.count < Self.resultLimit else { throw scanner.error("over \(Self.resultLimit) results") }
      guard let result = try scanner.result() else {
        guard results.isEmpty else { throw scanner.error("none stands among results") }
        _ = scanner.skip(";")
        break
      }
      results.append(result)
      try scanner.skipBlanks()
    }
    try scanner.skipBlanks()
    guard scanner.isAtEnd else { throw scanner.error("this belongs to no result, or a semicolon is missing") }
  }
}

/// Reads the value of an Authentication-Results field, each octet once.
struct AuthenticationResultsScanner {
  typealias SyntaxError = AuthenticationResults.SyntaxError

  private let octets: [UInt8]
  private var index = 0

  init(_ octets: [UInt8]) { self.octets = octets }

  var isAtEnd: Bool { index == octets.count }

  func error(_ reason: String) -> SyntaxError { SyntaxError(column: index + 1, reason: reason) }

  private var next: UInt8? { index < octets.count ? octets[index] : nil }

  /// Skips an octet, if it stands here.
  mutating func skip(_ mark: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: mark) else { return false }
    index += 1
    return true
  }

  /// `[CFWS]`; the answer is what the first comment says, comments within it included.
  @discardableResult
  mutating func skipBlanks() throws(SyntaxError) -> String? {
    var (depth, start) = (0, index)
    var text: [UInt8] = []
    var isFirst = true
    while let octet = next {
      switch octet {
      case UInt8(ascii: "("):
        if depth > 0 { text.append(octet) } else { start = index }
        depth += 1
        index += 1
      case UInt8(ascii: ")") where depth > 0:
        depth -= 1
        index += 1
        if depth == 0 { isFirst = false } else if isFirst { text.append(octet) }
      case UInt8(ascii: "\\") where depth > 0:
        let escaped = try quotedPair()
        if isFirst { text.append(escaped) }
      default:
        guard depth > 0 || octet.isFoldingBlank else {
          return isFirst ? nil : String(decoding: text, as: UTF8.self)
        }
        let octet = try self.text()
        if depth > 0, isFirst, let octet { text.append(octet) }
      }
    }
    guard depth == 0 else {
      index = start
      throw error("the comment has no end")
    }
    return isFirst ? nil : String(decoding: text, as: UTF8.self)
  }

  /// One octet of text, a tab as a blank; or a fold, which is none.
  private mutating func text() throws(SyntaxError) -> UInt8? {
    let octet = octets[index]
    if octet == .carriageReturn {
      guard index + 2 < octets.count, octets[index + 1] == .lineFeed, octets[index + 2].isASCIIBlank else {
        throw error("a line ends in the midst of the field")
      }
      index += 2
      return nil
    }
    guard octet >= 0x20 && octet != 0x7F || octet == .tab else { throw error("a control character") }
    index += 1
    return octet == .tab ? .space : octet
  }

  private mutating func quotedPair() throws(SyntaxError) -> UInt8 {
    guard index + 1 < octets.count, octets[index + 1] >= 0x20 || octets[index + 1] == .tab, octets[index + 1] != 0x7F
    else { throw error("nothing follows the backslash") }
    index += 2
    return octets[index - 1] == .tab ? .space : octets[index - 1]
  }

  // MARK: The parts of a field

  /// `1*DIGIT`, if it stands here: three digits at most.
  mutating func version() throws(SyntaxError) -> Int? {
    var number = 0
    let start = index
    while let octet = next, octet.isASCIIDigit {
      guard index - start < 3 else { throw error("the version is over three digits") }
      number = number * 10 + Int(octet - 0x30)
      index += 1
    }
    return index > start ? number : nil
  }

  /// `value`, or what a domain name in UTF-8 is (RFC 8601 §2.5).
  mutating func value(_ what: String) throws(SyntaxError) -> String {
    if next == UInt8(ascii: "\"") { return try quotedString() }
    let start = index
    while let octet = next, octet.isTokenText || octet >= 0x80 { index += 1 }
    guard index > start else { throw error("\(what) is missing") }
    return String(decoding: octets[start..<index], as: UTF8.self)
  }

  private mutating func quotedString() throws(SyntaxError) -> String {
    let start = index
    var text: [UInt8] = []
    index += 1
    while let octet = next {
      switch octet {
      case UInt8(ascii: "\""):
        index += 1
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): text.append(try quotedPair())
      default: if let octet = try self.text() { text.append(octet) }
      }
    }
    index = start
    throw error("the quoted string has no end")
  }

  private mutating func keyword(_ what: String) throws(SyntaxError) -> String {
    let start = index
    while let octet = next, octet.isKeywordText { index += 1 }
    guard index > start else { throw error("\(what) is missing") }
    return String(decoding: octets[start..<index].map(\.asciiLowercased), as: UTF8.self)
  }

  private mutating func equals(behind what: String) throws(SyntaxError) {
    try skipBlanks()
    guard skip("=") else { throw error("= is missing behind \(what)") }
    try skipBlanks()
  }

  /// `methodspec [ CFWS reasonspec ] [ CFWS 1*propspec ]`; `nil` for `none`.
  mutating func result() throws(SyntaxError) -> AuthenticationResults.MethodResult? {
    let method = try keyword("the method")
    var version: Int?
    try skipBlanks()
    if skip("/") {
      try skipBlanks()
      version = try self.version()
      guard version != nil else { throw error("the version of the method is missing") }
    } else if method == "none", isAtEnd || next == UInt8(ascii: ";") {
      return nil
    }
    try equals(behind: "the method")
    var result = AuthenticationResults.MethodResult(method, try keyword("the result"))
    result.methodVersion = version
    result.comment = try skipBlanks()
    while let octet = next, octet != UInt8(ascii: ";") { try readSpecification(into: &result) }
    return result
  }

  /// `reasonspec`, or one `propspec`, with the blanks behind it.
  private mutating func readSpecification(into result: inout AuthenticationResults.MethodResult) throws(SyntaxError) {
    let name = try keyword("a property")
    try skipBlanks()
    if name == "reason", next == UInt8(ascii: "="), result.reason == nil, result.properties.isEmpty {
      try equals(behind: "reason")
      result.reason = try value("the reason")
    } else {
      guard skip(".") else { throw error("a dot is missing behind \(name)") }
      try skipBlanks()
      let property = try keyword("the name of the property")
      try equals(behind: property)
      guard result.properties.count < AuthenticationResults.propertyLimit else {
        throw error("over \(AuthenticationResults.propertyLimit) properties")
      }
      result.properties.append(AuthenticationResults.Property(name, property, try propertyValue()))
    }
    try skipBlanks()
  }

  /// `value / [ [ local-part ] "@" ] domain-name`. Many write what is no token without quotes, addresses of IPv6 and
  /// base 64: taken is all but what has a meaning here.
  private mutating func propertyValue() throws(SyntaxError) -> String {
    let start = index
    if next == UInt8(ascii: "\"") {
      let text = try quotedString()
      guard next == UInt8(ascii: "@") else { return text }
    }
    while let octet = next, octet.mayStandInPropertyValue { index += 1 }
    guard index > start else { throw error("the value of the property is missing") }
    return String(decoding: octets[start..<index], as: UTF8.self)
  }
}

extension UInt8 {
  fileprivate var mayStandInPropertyValue: Bool {
    (isASCIIVisible && !"();\"\\".utf8.contains(self)) || self >= 0x80
  }
}
