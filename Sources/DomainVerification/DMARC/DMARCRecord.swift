import MailModel

/// A DMARC policy record (RFC 9989 §4.7 and §4.8; RFC 7489 §6.3 and §6.4 for the tags that the former took out).
///
/// Names of tags and their values are read without case, as both grammars have it, all but `DMARC1`. Unknown tags say
/// nothing. What breaks the grammar behind the version is one of ``problems`` and counts as if it were not there; of
/// a tag that stands twice the first counts.
public struct DMARCRecord: Hashable, Sendable, CustomStringConvertible {
  /// What is wrong with a record, at a place.
  public struct Problem: Hashable, Sendable, CustomStringConvertible {
    /// The octet at fault in the joined strings of the record, the first being 1.
    public var column: Int
    /// What is wrong there.
    public var reason: String

    /// `column 12: …`
    public var description: String { "column \(column): \(reason)" }
  }

  /// Whether a record stands at a public suffix, below which others register their domains (RFC 9989 §4.7, the tag
  /// `psd`).
  public enum PublicSuffixFlag: String, Hashable, Sendable {
    /// It does.
    case yes = "y"
    /// It does not: this is the domain of an organisation.
    case no = "n"
    /// The record does not say.
    case unknown = "u"
  }

  /// When reports of single failures are wanted (RFC 9989 §4.7, the tag `fo`).
  @nonexhaustive public enum FailureOption: String, Hashable, Sendable {
    /// Where nothing passes and is aligned.
    case allFail = "0"
    /// Where anything does not pass, or is not aligned.
    case anyFails = "1"
    /// Where a DKIM signature fails, aligned or not.
    case dkimFails = "d"
    /// Where SPF fails, aligned or not.
    case spfFails = "s"
  }

  /// Most tags that are looked at: ``Problem`` for those behind them. Three times as many as there are names.
  public static let tagLimit = 48
  /// Most URIs of `rua=`, and of `ruf=`, that are kept; RFC 7489 §6.2 lets receivers limit them to two.
  public static let uriLimit = 20

  /// The record's octets, joined.
  public let octets: [UInt8]
  /// `p=` as it was written validly; `nil` where it is missing or no policy.
  public private(set) var policy: DMARCPolicy?
  /// `sp=`, the policy for subdomains.
  public private(set) var subdomainPolicy: DMARCPolicy?
  /// `np=`, the policy for subdomains that do not exist.
  public private(set) var nonexistentSubdomainPolicy: DMARCPolicy?
  /// `adkim=`; relaxed by default.
  public private(set) var dkimAlignment = DMARCAlignment.relaxed
  /// `aspf=`; relaxed by default.
  public private(set) var spfAlignment = DMARCAlignment.relaxed
  /// `psd=`; unknown by default.
  public private(set) var publicSuffixFlag = PublicSuffixFlag.unknown
  /// `t=y`: the owner is testing, and wants one level less than the policy.
  public private(set) var isInTestMode = false
  /// `pct=`, the percentage of messages that the policy is for; 100 by default. RFC 9989 took it out.
  public private(set) var percentage = 100
  /// `rua=`, where reports in sum go: the URIs that are valid.
  public private(set) var aggregateReports: [DMARCReportURI] = []
  /// `ruf=`, where reports of single failures go: the URIs that are valid.
  public private(set) var failureReports: [DMARCReportURI] = []
  /// `fo=`; where all fails, by default.
  public private(set) var failureOptions: [FailureOption] = [.allFail]
  /// `ri=`, seconds between two reports; 86,400 by default. RFC 9989 took it out.
  public private(set) var reportInterval: UInt32 = 86_400
  /// `rf=`, the formats of reports in lower case; `afrf` by default. RFC 9989 took it out.
  public private(set) var reportFormats = ["afrf"]
  /// What is wrong, in the order of the columns.
  public private(set) var problems: [Problem] = []
  /// Whether `p=`, `sp=` or `np=` has a value that is no policy.
  private var hasInvalidPolicy = false

  /// The record as text; what is not UTF-8 becomes U+FFFD.
  public var description: String { String(decoding: octets, as: UTF8.self) }

  /// The policy for the domain itself that the record comes to: none where `p=` is missing (RFC 9989 §4.7), or where
  /// a policy is invalid and somebody wants reports (§4.10.1); `nil` where one is invalid and nobody does, by which
  /// the record has no effect.
  public var effectivePolicy: DMARCPolicy? {
    if hasInvalidPolicy { aggregateReports.isEmpty ? nil : DMARCPolicy.none } else { policy ?? DMARCPolicy.none }
  }

  /// The policy for a subdomain of the one where the record stands, by the same rules.
  public func effectivePolicy(forSubdomainThatExists exists: Bool) -> DMARCPolicy? {
    guard !hasInvalidPolicy else { return effectivePolicy }
    let inherited = subdomainPolicy ?? effectivePolicy
    return exists ? inherited : nonexistentSubdomainPolicy ?? inherited
  }

  /// Whether octets begin as a DMARC record does, with `v=DMARC1` and nothing before it: others are no DMARC records
  /// at all, and looked at no further (RFC 9989 §4.7, the tag `v`).
  public static func isDMARC(_ octets: [UInt8]) -> Bool { endOfVersion(octets) != nil }

  /// The record of a text, or `nil` where it is no DMARC record; see ``isDMARC(_:)``.
  public init?(_ text: String) { self.init(Array(text.utf8)) }

  /// The record of octets, or `nil` where it is no DMARC record; see ``isDMARC(_:)``.
  public init?(_ octets: [UInt8]) {
    guard let end = Self.endOfVersion(octets) else { return nil }
    self.octets = octets
    var names: Set<String> = ["v"]
    var parts = TagParts(octets, from: end)
    var count = 1
    while let part = parts.next() {
      count += 1
      guard count <= Self.tagLimit else {
        note(part.lowerBound, "over \(Self.tagLimit) tags")
        break
      }
      guard let (name, value) = tag(part) else { continue }
      if names.insert(name).inserted {
        read(name, value, at: part.lowerBound)
      } else {
        note(part.lowerBound, "the tag \(name)= stands twice")
      }
    }
    if policy == nil, !hasInvalidPolicy { note(octets.count, "the tag p= is missing") }
  }

  /// Behind `"v" *WSP "=" *WSP "DMARC1"`, which a semicolon or the end follows.
  private static func endOfVersion(_ octets: [UInt8]) -> Int? {
    guard octets.first?.asciiLowercased == UInt8(ascii: "v") else { return nil }
    var rest = octets.dropFirst().drop(while: \.isASCIIBlank)
    guard rest.first == UInt8(ascii: "=") else { return nil }
    rest = rest.dropFirst().drop(while: \.isASCIIBlank)
    guard rest.starts(with: "DMARC1".utf8) else { return nil }
    rest = rest.dropFirst(6).drop(while: \.isASCIIBlank)
    return rest.isEmpty || rest.first == UInt8(ascii: ";") ? rest.startIndex : nil
  }
}

/// The parts of a record between its semicolons, without blanks at their ends, empty ones left out.
private struct TagParts {
  private let octets: [UInt8]
  private var start: Int

  init(_ octets: [UInt8], from start: Int) { (self.octets, self.start) = (octets, start) }

  mutating func next() -> Range<Int>? {
    while start < octets.count {
      let end = octets[start...].firstIndex(of: UInt8(ascii: ";")) ?? octets.count
      let part = octets.trimmed(start..<end, of: \.isASCIIBlank)
      start = end + 1
      if !part.isEmpty { return part }
    }
    return nil
  }
}

extension DMARCRecord {
  fileprivate mutating func note(_ offset: Int, _ reason: String) {
    problems.append(Problem(column: offset + 1, reason: reason))
  }

  /// `1*ALPHA *WSP "=" *WSP 1*dmarc-value`; the name in lower case.
  fileprivate mutating func tag(_ part: Range<Int>) -> (name: String, value: Range<Int>)? {
    guard let equals = octets[part].firstIndex(of: UInt8(ascii: "=")) else {
      note(part.lowerBound, "no = behind the name of a tag")
      return nil
    }
    let name = octets[octets.trimmed(part.lowerBound..<equals, of: \.isASCIIBlank)]
    // Digits and underscores are of DKIM's grammar, which both documents follow too.
    guard !name.isEmpty, name.allSatisfy({ $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "_") }) else {
      note(part.lowerBound, "no name of a tag")
      return nil
    }
    let value = octets.trimmed((equals + 1)..<part.upperBound, of: \.isASCIIBlank)
    if let dirt = value.first(where: { !(0x20...0x7E).contains(octets[$0]) && octets[$0] != .tab }) {
      note(dirt, "an octet that no value may hold")
      hasInvalidPolicy = hasInvalidPolicy || ["p", "sp", "np"].contains(octets.lowercased(name.indices))
      return nil
    }
    return (octets.lowercased(name.indices), value)
  }

  /// Takes the value of a tag; what stands before stays where it is invalid.
  fileprivate mutating func read(_ name: String, _ value: Range<Int>, at start: Int) {
    let text = octets.lowercased(value)
    let column = value.isEmpty ? start : value.lowerBound
    switch name {
    case "p": policy = policy(text, at: column)
    case "sp": subdomainPolicy = policy(text, at: column)
    case "np": nonexistentSubdomainPolicy = policy(text, at: column)
    case "adkim": take(DMARCAlignment(rawValue: text), at: column, "adkim= is neither r nor s", \.dkimAlignment)
    case "aspf": take(DMARCAlignment(rawValue: text), at: column, "aspf= is neither r nor s", \.spfAlignment)
    case "psd": take(PublicSuffixFlag(rawValue: text), at: column, "psd= is none of y, n and u", \.publicSuffixFlag)
    case "t": take(["y": true, "n": false][text], at: column, "t= is neither y nor n", \.isInTestMode)
    case "pct":
      let number = number(value).flatMap { (0...100).contains($0) ? Int($0) : nil }
      take(number, at: column, "pct= is no number from 0 to 100", \.percentage)
    case "ri": take(number(value), at: column, "ri= is no number of seconds", \.reportInterval)
    case "rf": take(formats(value), at: column, "rf= is no list of formats", \.reportFormats)
    case "fo": take(options(value), at: column, "fo= is no list of 0 or 1, d and s", \.failureOptions)
    case "rua": aggregateReports = uris(value, "rua", at: column)
    case "ruf": failureReports = uris(value, "ruf", at: column)
    default: break
    }
  }

  private mutating func take<Value>(
    _ value: Value?, at offset: Int, _ reason: String, _ property: WritableKeyPath<DMARCRecord, Value>
  ) {
    if let value { self[keyPath: property] = value } else { note(offset, reason) }
  }

  private mutating func policy(_ text: String, at offset: Int) -> DMARCPolicy? {
    if let policy = DMARCPolicy(rawValue: text) { return policy }
    note(offset, "a policy is none, quarantine or reject")
    hasInvalidPolicy = true
    return nil
  }

  /// A number of ten digits at most that fits into 32 bits.
  private func number(_ value: Range<Int>) -> UInt32? {
    guard (1...10).contains(value.count), octets[value].allSatisfy(\.isASCIIDigit) else { return nil }
    return UInt32(exactly: octets[value].reduce(UInt64(0)) { $0 * 10 + UInt64($1 - 0x30) })
  }

  /// The items of a list by colons, in lower case, without the blanks around them.
  private func words(_ value: Range<Int>) -> [String] {
    octets[value].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
      octets.lowercased(octets.trimmed($0.startIndex..<$0.endIndex, of: \.isASCIIBlank))
    }
  }

  private func formats(_ value: Range<Int>) -> [String]? {
    let formats = words(value)
    return formats.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(\.isASCIIAlphanumeric) } ? formats : nil
  }

  /// Each once, and not both `0` and `1`.
  private func options(_ value: Range<Int>) -> [FailureOption]? {
    let words = words(value)
    let options = words.compactMap(FailureOption.init(rawValue:))
    guard options.count == words.count, Set(options).count == options.count,
      !(options.contains(.allFail) && options.contains(.anyFails))
    else { return nil }
    return options
  }

  private mutating func uris(_ value: Range<Int>, _ name: String, at column: Int) -> [DMARCReportURI] {
    guard !value.isEmpty else {
      note(column, "\(name)= is empty")
      return []
    }
    var uris: [DMARCReportURI] = []
    var (count, start) = (0, value.lowerBound)
    while start <= value.upperBound {
      let end = octets[start..<value.upperBound].firstIndex(of: UInt8(ascii: ",")) ?? value.upperBound
      let part = octets.trimmed(start..<end, of: \.isASCIIBlank)
      count += 1
      guard count <= Self.uriLimit else {
        note(part.lowerBound, "over \(Self.uriLimit) URIs in \(name)=")
        break
      }
      if let uri = DMARCReportURI(octets[part]) {
        uris.append(uri)
      } else {
        note(part.lowerBound, "no URI in \(name)=")
      }
      start = end + 1
    }
    return uris
  }
}

extension [UInt8] {
  fileprivate func lowercased(_ range: Range<Int>) -> String {
    String(decoding: self[range].map(\.asciiLowercased), as: UTF8.self)
  }
}
