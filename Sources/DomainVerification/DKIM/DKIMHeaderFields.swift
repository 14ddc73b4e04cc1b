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
  func appendCanonical(_ field: Field, _ algorithm: DKIMCanonicalization.Algorithm, to output: inout [UInt8]) {
    let start = field.whole.lowerBound
    octets.span.extracting(start..<field.value.upperBound).appendCanonicalField(
      algorithm, nameCount: field.name.count, valueStart: field.value.lowerBound - start, to: &output)
  }
}

extension Span<UInt8> {
  /// Appends these octets, a field without the CRLF at its end, in their canonical form.
  func appendCanonicalField(
    _ algorithm: DKIMCanonicalization.Algorithm, nameCount: Int, valueStart: Int, to output: inout [UInt8]
  ) {
    switch algorithm {
    case .simple: output.append(contentsOf: self)
    case .relaxed:
      for index in 0..<nameCount { output.append(self[index].asciiLowercased) }
      output.append(UInt8(ascii: ":"))
      extracting(valueStart..<count).appendRelaxedValue(to: &output)
    }
  }

  /// Appends a value unfolded, each run of blanks as one space, none at either end.
  private func appendRelaxedValue(to output: inout [UInt8]) {
    let start = output.count
    var holdsBlank = false
    var index = 0
    while index < count {
      let octet = self[index]
      index += 1
      if octet.isASCIIBlank {
        holdsBlank = true
      } else if octet == .carriageReturn, index < count, self[index] == .lineFeed {
        index += 1
      } else {
        if holdsBlank, output.count > start { output.append(.space) }
        holdsBlank = false
        output.append(octet)
      }
    }
  }
}
