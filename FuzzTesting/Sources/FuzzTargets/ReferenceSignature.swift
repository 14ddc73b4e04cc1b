import MailModel

/// A message as the simplest program would see it that verifies DKIM (RFC 6376 §3.4, §3.7, §5.4.2): slow, and easy to believe.
struct ReferenceMessage {
  /// Each field whole, with its CRLF.
  let fields: [[UInt8]]
  let body: [UInt8]

  /// A message, cut at its first empty line.
  init(_ octets: [UInt8]) {
    var lines = octets.lines
    let end = lines.firstIndex(of: []) ?? lines.count
    body = Array(lines[min(end + 1, lines.count)...].joined(separator: [0x0D, 0x0A]))
    lines = Array(lines[..<end])
    var fields: [[UInt8]] = []
    for line in lines {
      if !fields.isEmpty, line.first == 0x20 || line.first == 0x09 {
        fields[fields.count - 1] += line + [0x0D, 0x0A]
      } else {
        fields.append(line + [0x0D, 0x0A])
      }
    }
    self.fields = fields.filter { $0.contains(UInt8(ascii: ":")) }
  }

  var header: [UInt8] { Array(fields.joined()) }

  /// The octets that the signature in a field is of: those of the header fields and of the body.
  struct Signed: Hashable {
    var header: [UInt8]
    var body: [UInt8]
  }

  /// What the `index`th signature says it signs.
  func signed(by index: Int) -> Signed? {
    let signatures = fields.indices.filter { fields[$0].fieldName == "dkim-signature" }
    guard index < signatures.count else { return nil }
    let own = signatures[index]
    let tags = fields[own].tags
    let forms = (tags["c"] ?? "simple").split(separator: "/")
    var left = Array(fields.indices).filter { $0 != own }
    var octets: [UInt8] = []
    for name in (tags["h"] ?? "").split(separator: ":") {
      let name = name.lowercased()
      guard let last = left.last(where: { fields[$0].fieldName == name }) else { continue }
      left.removeAll { $0 == last }
      octets += fields[last].canonicalField(isRelaxed: forms[0] == "relaxed")
    }
    octets += fields[own].withoutSignature.canonicalField(isRelaxed: forms[0] == "relaxed").dropLast(2)
    var body = body.canonicalBody(isRelaxed: forms.count > 1 && forms[1] == "relaxed")
    if let length = tags["l"].flatMap({ Int($0) }) { body = Array(body.prefix(length)) }
    return Signed(header: octets, body: body)
  }
}

extension [UInt8] {
  /// The octets between CRLF and CRLF.
  var lines: [[UInt8]] {
    var lines: [[UInt8]] = [[]]
    var index = 0
    while index < count {
      if self[index] == 0x0D, index + 1 < count, self[index + 1] == 0x0A {
        lines.append([])
        index += 2
      } else {
        lines[lines.count - 1].append(self[index])
        index += 1
      }
    }
    return lines
  }

  /// RFC 6376 §3.4.3 and §3.4.4.
  func canonicalBody(isRelaxed: Bool) -> [UInt8] {
    var lines = lines
    if isRelaxed { lines = lines.map { $0.withSingleBlanks.trimmed(atStart: false) } }
    while lines.last == [] { lines.removeLast() }
    if lines.isEmpty { return isRelaxed ? [] : [0x0D, 0x0A] }
    return Array(lines.joined(separator: [0x0D, 0x0A])) + [0x0D, 0x0A]
  }

  /// The name of a field in lower case.
  fileprivate var fieldName: String {
    let name = Array(prefix { $0 != UInt8(ascii: ":") }).trimmed(atStart: false)
    return String(decoding: name.map(\.asciiLowercased), as: UTF8.self)
  }

  /// RFC 6376 §3.4.1 and §3.4.2.
  fileprivate func canonicalField(isRelaxed: Bool) -> [UInt8] {
    guard isRelaxed, let colon = firstIndex(of: UInt8(ascii: ":")) else { return self }
    let value = Array(self[(colon + 1)...]).lines.joined()
    return Array(fieldName.utf8) + [UInt8(ascii: ":")]
      + Array(value).withSingleBlanks.trimmed(atStart: true).trimmed(atStart: false) + [0x0D, 0x0A]
  }

  /// The tags of a field, without any blank or fold in their values.
  fileprivate var tags: [String: String] {
    var tags: [String: String] = [:]
    let value = drop { $0 != UInt8(ascii: ":") }.dropFirst().filter { !" \t\r\n".utf8.contains($0) }
    for tag in value.split(separator: UInt8(ascii: ";")) {
      guard let equals = tag.firstIndex(of: UInt8(ascii: "=")) else { continue }
      tags[String(decoding: tag[..<equals], as: UTF8.self)] = String(decoding: tag[(equals + 1)...], as: UTF8.self)
    }
    return tags
  }

  /// A field of a signature, `b=` made empty.
  fileprivate var withoutSignature: [UInt8] {
    var start = (firstIndex(of: UInt8(ascii: ":")) ?? 0) + 1
    while start < count - 2 {
      let end = self[start...].firstIndex(of: UInt8(ascii: ";")) ?? count - 2
      let equals = self[start..<end].firstIndex(of: UInt8(ascii: "=")) ?? end
      if self[start..<equals].filter({ !" \t\r\n".utf8.contains($0) }) == [UInt8(ascii: "b")] {
        return Array(self[...equals] + self[end...])
      }
      start = end + 1
    }
    return self
  }

  private var withSingleBlanks: [UInt8] {
    var result: [UInt8] = []
    for octet in self {
      let isBlank = octet == 0x20 || octet == 0x09
      if !isBlank || result.last != 0x20 { result.append(isBlank ? 0x20 : octet) }
    }
    return result
  }

  private func trimmed(atStart: Bool) -> [UInt8] {
    func isBlank(_ octet: UInt8) -> Bool { octet == 0x20 || octet == 0x09 }
    var slice = self[...]
    if atStart {
      slice = slice.drop(while: isBlank)
    } else {
      while slice.last.map(isBlank) == true { slice.removeLast() }
    }
    return Array(slice)
  }
}
