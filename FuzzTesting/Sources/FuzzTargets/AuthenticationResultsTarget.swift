import DomainVerification
import MailModel

extension FuzzTarget {
  /// A header section, or what stands in one field: what is written reads back as itself, and what bears our name goes.
  static let authenticationResults = FuzzTarget("authentication-results", maximumLength: 768) { input in
    var decisions = input.decisions
    let service = decisions.next(of: ["mx.example.com", "mx", "MX.Example.COM", "bücher.example", "a b", "1"])
    let hasLineFeeds = decisions.next()
    let octets = hasLineFeeds ? input.payload : input.payload.withNetworkLineEnds
    checkReading(octets)
    checkStripping(HeaderSection(octets), service)
    checkStripping(HeaderSection(Array("Authentication-Results:".utf8) + octets + [0x0D, 0x0A]), service)
  }

  private static func checkReading(_ value: [UInt8]) {
    let first: AuthenticationResults
    do { first = try AuthenticationResults(parsing: value) } catch {
      require((1...(value.count + 1)).contains(error.column), "column \(error.column) of \(value.count)")
      return checkLine(error.description)
    }
    require(first.results.count <= 100 && first.results.allSatisfy { $0.properties.count <= 100 }, "over the limits")
    let second = reread(first)
    require(reread(second) == second, "what was written reads back as another")
    if first.isWrittenWhole { require(second == first, "a field reads back as another") }
  }

  /// What is read from what is written of these.
  private static func reread(_ results: AuthenticationResults) -> AuthenticationResults {
    let field = Array(results.field.utf8)
    let header = HeaderSection(field)
    require(header.fields.count == 1 && header.count(of: "authentication-results") == 1, "it leaves its field")
    require(field.lines.allSatisfy { $0.count <= 998 }, "a line that is too long")
    require(field.lines.joined().allSatisfy { $0 == 0x09 || $0 >= 0x20 && $0 != 0x7F }, "a control in a field")
    do { return try AuthenticationResults(parsing: Array(header.octets[header.fields[0].value])) } catch {
      fatalError("what was written does not read: \(error)")
    }
  }

  /// Fields that bear our name go, whoever reads them; all others stay as they are, in their order.
  private static func checkStripping(_ header: HeaderSection, _ service: String) {
    let stripped = HeaderSection(header.octets(withoutAuthenticationResultsOf: service))
    require(
      stripped.octets(withoutAuthenticationResultsOf: service)
        == Array(stripped.fields.map { stripped.octets[$0.whole] }.joined()),
      "stripping twice takes more")
    for field in stripped.fields where isResults(field, stripped) {
      let value = Array(stripped.octets[field.value])
      if let read = try? AuthenticationResults(parsing: value) {
        require(read.authenticationService.lowercased() != service.lowercased(), "a field of ours stays")
      }
      require(!namesAtStart(value, service), "a field stays that a hasty reader takes for ours")
    }
    let kept = stripped.fields.map { Array(stripped.octets[$0.whole]) }
    let lawful = header.fields.filter { isLawful($0, header, service) }
    var rest = kept[...]
    for field in lawful {
      let octets = Array(header.octets[field.whole])
      guard let index = rest.firstIndex(of: octets) else { fatalError("a field of somebody else's is gone") }
      rest = rest[(index + 1)...]
    }
  }

  /// Whether a field must stay. Nobody takes it for ours: it begins with its name, which is another also without what is not
  /// visible in it, or it plainly names somebody else.
  private static func isLawful(_ field: HeaderSection.Field, _ header: HeaderSection, _ service: String) -> Bool {
    guard let first = header.octets[field.whole].first, first != 0x20, first != 0x09 else { return false }
    if isResults(field, header) { return isPlainlyOfOthers(header, field, service) }
    // Behind a CR or LF alone another field may be seen.
    guard !Array(header.octets[field.whole]).lines.joined().contains(where: { $0 == 0x0D || $0 == 0x0A }) else {
      return false
    }
    let visible = header.octets[field.name].filter { (0x21...0x7E).contains($0) }
    return String(decoding: visible, as: UTF8.self).lowercased() != "authentication-results"
  }

  private static func isResults(_ field: HeaderSection.Field, _ header: HeaderSection) -> Bool {
    String(decoding: header.octets[field.name], as: UTF8.self).lowercased() == "authentication-results"
  }

  /// Blanks away and in lower case, our name and no more stands at the start.
  private static func namesAtStart(_ value: [UInt8], _ service: String) -> Bool {
    let text = value.drop { " \t\r\n\"".utf8.contains($0) }.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    let name = Array(service.lowercased().utf8)
    guard text.starts(with: name) else { return false }
    return text.dropFirst(name.count).first.map { " \t\r\n\";".utf8.contains($0) } ?? true
  }

  /// It reads, and our name is nowhere in it, whatever is left out.
  private static func isPlainlyOfOthers(
    _ header: HeaderSection, _ field: HeaderSection.Field, _ service: String
  ) -> Bool {
    let value = Array(header.octets[field.value])
    guard let read = try? AuthenticationResults(parsing: value), !read.results.isEmpty else { return false }
    // Octets, since a name may be within a character that is longer.
    func compared(_ octets: some Sequence<UInt8>) -> [UInt8] {
      let visible = octets.filter { !" \t\r\n\"\\".utf8.contains($0) }
      return Array(String(decoding: visible, as: UTF8.self).lowercased().utf8)
    }
    guard let domain = DomainName(read.authenticationService) else { return false }
    return !compared(value).contains(compared(service.utf8)) && domain != DomainName(service)
  }
}

extension AuthenticationResults {
  /// Whether all that was read is also written: no text is over its limit, and none holds what becomes a question mark.
  fileprivate var isWrittenWhole: Bool {
    func fits(_ text: String, _ limit: Int) -> Bool {
      text.utf8.count <= limit && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    }
    return fits(authenticationService, Self.largestTextCount)
      && results.allSatisfy { result in
        fits(result.method, 64) && fits(result.result, 64) && fits(result.reason ?? "", Self.largestTextCount)
          && fits(result.comment ?? "", Self.largestTextCount)
          && result.properties.allSatisfy {
            fits($0.kind, 64) && fits($0.name, 64) && fits($0.value, Self.largestValueCount)
          }
      }
  }
}
