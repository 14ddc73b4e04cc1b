import MailModel

/// Reads the terms of a record (RFC 7208 §4.6.1, §12).
struct SPFRecordParser {
  private let octets: [UInt8]
  private(set) var directives: [SPFRecord.Directive] = []
  private(set) var modifiers: [SPFRecord.Modifier] = []
  private(set) var redirect: SPFRecord.Modifier?
  private(set) var explanation: SPFRecord.Modifier?

  init(_ octets: [UInt8]) throws(SPFSyntaxError) {
    guard SPFRecord.isRecord(octets) else { throw SPFSyntaxError(at: 0, "no v=spf1 followed by a blank") }
    guard octets.count <= SPFRecord.largestCount else {
      throw SPFSyntaxError(at: SPFRecord.largestCount, "longer than a TXT record can be")
    }
    self.octets = octets
  }

  /// `terms *SP`, behind the version.
  mutating func readTerms() throws(SPFSyntaxError) {
    var index = 6
    while true {
      while index < octets.count, octets[index] == .space { index += 1 }
      guard index < octets.count else { return }
      let start = index
      while index < octets.count, octets[index] != .space { index += 1 }
      try readTerm(octets[start..<index])
    }
  }

  /// A name with `=` right behind it makes a modifier; everything else is a directive.
  private mutating func readTerm(_ term: ArraySlice<UInt8>) throws(SPFSyntaxError) {
    var end = term.startIndex
    if octets[end].isASCIILetter {
      while end < term.endIndex, octets[end].isSPFNameOctet { end += 1 }
      if end < term.endIndex, octets[end] == UInt8(ascii: "=") {
        return try readModifier(term, nameEnd: end)
      }
    }
    try readDirective(term)
  }

  private mutating func readModifier(_ term: ArraySlice<UInt8>, nameEnd: Int) throws(SPFSyntaxError) {
    let name = octets.span.extracting(term.startIndex..<nameEnd).lowercasedText()
    let value = octets[(nameEnd + 1)..<term.endIndex]
    switch name {
    case "redirect":
      guard redirect == nil else { throw SPFSyntaxError(at: term.startIndex, "redirect= stands twice") }
      redirect = SPFRecord.Modifier(name: name, value: try SPFMacroString(domainSpec: value), source: term)
      modifiers += [redirect].compactMap(\.self)
    case "exp":
      guard explanation == nil else { throw SPFSyntaxError(at: term.startIndex, "exp= stands twice") }
      explanation = SPFRecord.Modifier(name: name, value: try SPFMacroString(domainSpec: value), source: term)
      modifiers += [explanation].compactMap(\.self)
    default: modifiers.append(SPFRecord.Modifier(name: name, value: try SPFMacroString(value), source: term))
    }
  }

  private mutating func readDirective(_ term: ArraySlice<UInt8>) throws(SPFSyntaxError) {
    var result = SPFResult.pass
    var start = term.startIndex
    switch octets[start] {
    case UInt8(ascii: "+"): start += 1
    case UInt8(ascii: "-"): (result, start) = (.fail, start + 1)
    case UInt8(ascii: "~"): (result, start) = (.softfail, start + 1)
    case UInt8(ascii: "?"): (result, start) = (.neutral, start + 1)
    default: break
    }
    let mechanism = try mechanism(octets[start..<term.endIndex])
    directives.append(SPFRecord.Directive(result: result, mechanism: mechanism, source: term))
  }

  private func mechanism(_ text: ArraySlice<UInt8>) throws(SPFSyntaxError) -> SPFRecord.Mechanism {
    var end = text.startIndex
    while end < text.endIndex, octets[end] != UInt8(ascii: ":"), octets[end] != UInt8(ascii: "/") { end += 1 }
    let name = octets.span.extracting(text.startIndex..<end)
    let rest = octets[end..<text.endIndex]
    if name.equalsIgnoringCase("include") { return .include(try SPFMacroString(domainSpec: argument(rest))) }
    if name.equalsIgnoringCase("ip4") { return .ip4(try network(argument(rest), family: "IPv4", most: 32)) }
    if name.equalsIgnoringCase("ip6") { return .ip6(try network(argument(rest), family: "IPv6", most: 128)) }
    if name.equalsIgnoringCase("exists") { return .exists(try SPFMacroString(domainSpec: argument(rest))) }
    if name.equalsIgnoringCase("ptr") { return .ptr(try domain(rest)) }
    if name.equalsIgnoringCase("all") {
      guard rest.isEmpty else { throw SPFSyntaxError(at: end, "all takes nothing behind it") }
      return .all
    }
    let isA = name.equalsIgnoringCase("a")
    guard isA || name.equalsIgnoringCase("mx") else {
      throw SPFSyntaxError(at: text.startIndex, "there is no mechanism \(quoted(octets[text.startIndex..<end]))")
    }
    var spec = rest
    let lengths = try prefixLengths(cutFrom: &spec)
    return isA ? .a(try domain(spec), lengths) : .mx(try domain(spec), lengths)
  }

  /// What stands behind the colon, which must be there.
  private func argument(_ rest: ArraySlice<UInt8>) throws(SPFSyntaxError) -> ArraySlice<UInt8> {
    guard rest.first == UInt8(ascii: ":") else {
      throw SPFSyntaxError(at: rest.startIndex, "a colon is missing behind the name of the mechanism")
    }
    return rest.dropFirst()
  }

  /// `[ ":" domain-spec ]`
  private func domain(_ rest: ArraySlice<UInt8>) throws(SPFSyntaxError) -> SPFMacroString? {
    rest.isEmpty ? nil : try SPFMacroString(domainSpec: argument(rest))
  }

  /// `dual-cidr-length`, which is looked for from the end: a domain holds slashes too, but never ends in one and a number.
  private func prefixLengths(cutFrom text: inout ArraySlice<UInt8>) throws(SPFSyntaxError) -> SPFPrefixLengths {
    var lengths = SPFPrefixLengths()
    if let slash = lastSlash(text), slash > text.startIndex, octets[slash - 1] == UInt8(ascii: "/") {
      lengths.v6 = try prefixLength(text[(slash + 1)...], most: 128)
      text = text[..<(slash - 1)]
    }
    if let slash = lastSlash(text) {
      lengths.v4 = try prefixLength(text[(slash + 1)...], most: 32)
      text = text[..<slash]
    }
    return lengths
  }

  /// The slash behind which there are digits alone, one at least.
  private func lastSlash(_ text: ArraySlice<UInt8>) -> Int? {
    var index = text.endIndex
    while index > text.startIndex, octets[index - 1].isASCIIDigit { index -= 1 }
    guard index < text.endIndex, index > text.startIndex, octets[index - 1] == UInt8(ascii: "/") else { return nil }
    return index - 1
  }

  /// `"0" / %x31-39 0*2DIGIT`, at most `most`.
  private func prefixLength(_ digits: ArraySlice<UInt8>, most: Int) throws(SPFSyntaxError) -> Int {
    var length = 0
    var isValid = (1...3).contains(digits.count) && (digits.count == 1 || digits.first != UInt8(ascii: "0"))
    for digit in digits.prefix(3) {
      isValid = isValid && digit.isASCIIDigit
      length = length * 10 + Int(digit &- 0x30)
    }
    guard isValid, length <= most else {
      throw SPFSyntaxError(at: digits.startIndex, "a prefix length is a number from 0 to \(most)")
    }
    return length
  }

  /// An address of a family, `most` bits long, and perhaps a prefix length.
  private func network(
    _ text: ArraySlice<UInt8>, family: StaticString, most: Int
  ) throws(SPFSyntaxError) -> IPNetwork {
    let slash = text.firstIndex(of: UInt8(ascii: "/")) ?? text.endIndex
    let length = slash < text.endIndex ? try prefixLength(text[(slash + 1)...], most: most) : most
    let isIPv6 = text[..<slash].contains(UInt8(ascii: ":"))
    guard isIPv6 == (most == 128), let address = IPAddress(octets.span.extracting(text.startIndex..<slash)) else {
      throw SPFSyntaxError(at: text.startIndex, "\(quoted(text[..<slash])) is no \(family) address")
    }
    // An IPv4 address mapped into IPv6 has become IPv4, which no client is that an ip6 speaks of.
    let mapped: IPAddress =
      if isIPv6, case .v4(let bits) = address { .v6(0xFFFF << 32 | UInt128(bits)) } else { address }
    guard let network = IPNetwork(mapped, prefixLength: length) else {
      throw SPFSyntaxError(at: slash, "the prefix is longer than the address")
    }
    return network
  }
}

extension UInt8 {
  /// An octet of `name` in RFC 7208 §12, behind the first.
  fileprivate var isSPFNameOctet: Bool {
    isASCIIAlphanumeric || self == UInt8(ascii: "-") || self == UInt8(ascii: "_") || self == UInt8(ascii: ".")
  }
}
