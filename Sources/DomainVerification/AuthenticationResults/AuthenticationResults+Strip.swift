public import MailModel

extension HeaderSection {
  /// The octets of the section without the Authentication-Results that seem to come from `service` (RFC 8601 §5):
  /// whoever reads the message behind us believes those that bear our name, so that none may come in with it.
  ///
  /// A field goes where its name of a service is ours in any case and spelling: quoted, behind comments and folds,
  /// with a version, with U-labels. Others may read less carefully than we do, so these go too: fields that are no
  /// Authentication-Results by the grammar up to the first result (no name, a quoted string or comment without an
  /// end, a control character, anything but a version behind the name), whoever they name; and fields in which our
  /// name begins anywhere before the first semicolon, in comments and quotes too; and fields whose name would be
  /// Authentication-Results without the blanks and controls in it, or in which such a name begins a line behind a CR or
  /// LF alone. What stays has another name, plainly.
  ///
  /// A section that begins with a blank loses its first field: below one of ours that would be its continuation, and
  /// could add results to it.
  ///
  /// - Parameter service: our name, as it is in ``AuthenticationResults/authenticationService``.
  public func octets(withoutAuthenticationResultsOf service: String) -> [UInt8] {
    let name = ServiceName(service)
    var kept: [UInt8] = []
    kept.reserveCapacity(octets.count)
    for field in fields {
      if octets[field.whole.lowerBound].isASCIIBlank { continue }
      let fieldName = octets.span.extracting(field.name)
      if fieldName.isTaken(for: "authentication-results") || hides("authentication-results", in: field) { continue }
      let isResults = fieldName.equalsIgnoringCase("authentication-results")
      if !isResults || !name.mayBe(octets[field.value]) { kept.append(contentsOf: octets[field.whole]) }
    }
    return kept
  }
}

/// The name of a service that fields are searched for.
private struct ServiceName {
  private let text: String
  private let domain: DomainName?
  private let octets: [UInt8]

  init(_ text: String) {
    self.text = text.lowercased()
    domain = DomainName(text)
    octets = text.utf8.filter(Self.isCompared).map(\.asciiLowercased)
  }

  /// Whether somebody could read the value of a field as ours.
  func mayBe(_ value: ArraySlice<UInt8>) -> Bool {
    guard let other = Self.name(in: Array(value)) else { return true }
    if other.lowercased() == text { return true }
    if let domain, DomainName(other.hasSuffix(".") ? String(other.dropLast()) : other) == domain { return true }
    return begins(in: value)
  }

  /// Blanks, folds, quotes and backslashes may stand within a name as it is written.
  private static func isCompared(_ octet: UInt8) -> Bool {
    !octet.isFoldingBlank && octet != UInt8(ascii: "\\") && octet != UInt8(ascii: "\"")
  }

  /// The name that stands in a field by the grammar; `nil` where the field breaks it there.
  private static func name(in value: [UInt8]) -> String? {
    var scanner = AuthenticationResultsScanner(value)
    do throws(AuthenticationResults.SyntaxError) {
      try scanner.skipBlanks()
      let name = try scanner.value("the name of the service")
      try scanner.skipBlanks()
      _ = try scanner.version()
      try scanner.skipBlanks()
      guard scanner.skip(";") else { return nil }
      return name
    } catch {
      return nil
    }
  }

  /// Whether our name begins before the first semicolon of all, whatever it stands in, whatever follows it, and
  /// though there were quotes, backslashes, blanks and folds within it.
  private func begins(in value: ArraySlice<UInt8>) -> Bool {
    guard !octets.isEmpty else { return false }
    var head: [UInt8] = []
    var beginnings: [Int] = []
    var isWithinName = false
    for octet in value.prefix(while: { $0 != UInt8(ascii: ";") }) {
      if Self.isCompared(octet) {
        if !isWithinName { beginnings.append(head.count) }
        head.append(octet.asciiLowercased)
      }
      isWithinName = octet.isTokenText || octet >= 0x80
    }
    return beginnings.contains { head[$0...].starts(with: octets) }
  }
}
