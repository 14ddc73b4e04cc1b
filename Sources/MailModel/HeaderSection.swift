/// The fields of a header section (RFC 5322 §2.2), as ranges of its octets; the octets themselves stay untouched.
public struct HeaderSection: Sendable {
  /// One field, folded lines included.
  public struct Field: Hashable, Sendable {
    /// The name, without the colon and blanks before it.
    public var name: Range<Int>
    /// Behind the colon, up to the CRLF that ends the field.
    public var value: Range<Int>
    /// The whole field with its last CRLF.
    public var whole: Range<Int>
  }

  /// Every octet of the section, the last CRLF included, the empty line not.
  public let octets: [UInt8]
  /// In the order in which they stand.
  public let fields: [Field]

  /// The fields of `octets`. Lines that are no fields, which a ``HeaderScanner`` leaves out, are skipped.
  public init(_ octets: [UInt8]) {
    self.octets = octets
    fields = Self.fields(of: octets.span, limit: .max) ?? []
  }

  /// The same, or `nil` where there are more than `fieldLimit` fields; the rest is not looked at then.
  public init?(_ octets: [UInt8], fieldLimit: Int) {
    guard let fields = Self.fields(of: octets.span, limit: fieldLimit) else { return nil }
    (self.octets, self.fields) = (octets, fields)
  }

  /// How many fields bear `name`, which is written in lower case.
  public func count(of name: StaticString) -> Int {
    fields.count { octets.span.extracting($0.name).equalsIgnoringCase(name) }
  }

  /// Whether a field bears `name`, which is written in lower case.
  public func contains(_ name: StaticString) -> Bool { count(of: name) > 0 }

  /// What the field that bears `name`, which is written in lower case, says, its US-ASCII in lower case, without blanks and
  /// folds at either end; `nil` where none bears the name, or several do.
  package func onlyValue(of name: StaticString) -> String? {
    var found: Range<Int>?
    for field in fields where octets.span.extracting(field.name).equalsIgnoringCase(name) {
      guard found == nil else { return nil }
      found = field.value
    }
    guard var value = found else { return nil }
    func isGap(_ octet: UInt8) -> Bool { octet.isASCIIBlank || octet == .carriageReturn || octet == .lineFeed }
    while let first = value.first, isGap(octets[first]) { value.removeFirst() }
    while let last = value.last, isGap(octets[last]) { value.removeLast() }
    return octets.span.extracting(value).lowercasedText()
  }

  /// The octets of the section without the fields that bear one of `names`, which are written in lower case.
  public func octets(without names: [StaticString]) -> [UInt8] {
    var kept: [UInt8] = []
    kept.reserveCapacity(octets.count)
    for field in fields {
      let name = octets.span.extracting(field.name)
      var isDropped = false
      for dropped in names where name.equalsIgnoringCase(dropped) { isDropped = true }
      if !isDropped { kept.append(contentsOf: octets[field.whole]) }
    }
    return kept
  }

  private static func fields(of octets: Span<UInt8>, limit: Int) -> [Field]? {
    var fields: [Field] = []
    var start = 0
    while start < octets.count {
      let end = endOfField(octets, from: start)
      if let colon = octets.extracting(start..<end).firstIndex(of: UInt8(ascii: ":")).map({ start + $0 }) {
        var nameEnd = colon
        while nameEnd > start, octets[nameEnd - 1].isASCIIBlank { nameEnd -= 1 }
        let hasLineEnd = end - start >= 2 && octets[end - 1] == .lineFeed && octets[end - 2] == .carriageReturn
        let valueEnd = max(colon + 1, hasLineEnd ? end - 2 : end)
        guard fields.count < limit else { return nil }
        fields.append(Field(name: start..<nameEnd, value: (colon + 1)..<valueEnd, whole: start..<end))
      }
      start = end
    }
    return fields
  }

  /// Behind the first CRLF that no continuation follows.
  private static func endOfField(_ octets: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while let lineFeed = octets.firstIndex(of: .lineFeed, from: index) {
      index = lineFeed + 1
      let endsLine = lineFeed > start && octets[lineFeed - 1] == .carriageReturn
      if endsLine, index == octets.count || !octets[index].isASCIIBlank { return index }
    }
    return octets.count
  }
}
