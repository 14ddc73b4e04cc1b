import MailModel

/// Header fields as `h=` names them: the last of a name first, each once (RFC 6376 §5.4.2).
struct DKIMHeaderFields {
  private let section: HeaderSection
  private var remaining: [String: [HeaderSection.Field]] = [:]

  /// The fields of `section` but `excluded`: the signature that is looked at is never among those that it names (RFC 6376 §3.5).
  init(_ section: HeaderSection, excluding excluded: HeaderSection.Field? = nil) {
    self.section = section
    for field in section.fields where field != excluded {
      remaining[section.octets.span.extracting(field.name).lowercasedText(), default: []].append(field)
    }
  }

  /// How many are left of a name in lower case.
  func count(of name: String) -> Int { remaining[name]?.count ?? 0 }

  /// The canonical form of the fields that `names` stand for, in that order; a name beyond the last of its fields stands for
  /// nothing.
  consuming func canonical(_ names: [String], _ algorithm: DKIMCanonicalization.Algorithm) -> [UInt8] {
    var octets: [UInt8] = []
    octets.reserveCapacity(section.octets.count)
    for name in names {
      guard let field = remaining[name]?.popLast() else { continue }
      section.appendCanonical(field, algorithm, to: &octets)
      octets += "\r\n".utf8
    }
    return octets
  }
}

extension HeaderSection {
  /// Appends a field in its canonical form (RFC 6376 §3.4.1, §3.4.2), without the CRLF at its end.
  func appendCanonical(_ field: Field, _ algorithm: DKIMCanonicalization.Algorithm, to octets: inout [UInt8]) {
    let source = self.octets.span
    switch algorithm {
    case .simple: octets.append(contentsOf: source.extracting(field.whole.lowerBound..<field.value.upperBound))
    case .relaxed:
      for index in field.name { octets.append(source[index].asciiLowercased) }
      octets.append(UInt8(ascii: ":"))
      Self.appendRelaxed(source.extracting(field.value), to: &octets)
    }
  }

  /// Appends a value unfolded, each run of blanks as one space, none at either end.
  private static func appendRelaxed(_ value: Span<UInt8>, to octets: inout [UInt8]) {
    let start = octets.count
    var holdsBlank = false
    var index = 0
    while index < value.count {
      let octet = value[index]
      index += 1
      if octet.isASCIIBlank {
        holdsBlank = true
      } else if octet == .carriageReturn, index < value.count, value[index] == .lineFeed {
        index += 1
      } else {
        if holdsBlank, octets.count > start { octets.append(.space) }
        holdsBlank = false
        octets.append(octet)
      }
    }
  }
}
