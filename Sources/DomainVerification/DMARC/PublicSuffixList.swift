public import MailModel

/// The domains below which anybody can register one: `com`, `co.uk`, `github.io`. Mozilla's list says which they are,
/// and nobody owns those as a mail domain (https://publicsuffix.org/list/, and RFC 7489 §3.2 for its use).
///
/// The list changes every week, so none is built in: a host reads the text, from its system's package or from
/// publicsuffix.org, and makes a new value when it has a new text.
public struct PublicSuffixList: Sendable {
  /// Most octets of a list's text: 4 MiB, sixteen times what Mozilla's had in 2026.
  public static let largestCount = 4_194_304

  /// What the list says of one name.
  private struct Rules: OptionSet {
    let rawValue: UInt8
    /// The name is a public suffix.
    static let suffix = Rules(rawValue: 1)
    /// `*.` before the name: each of its children is one.
    static let children = Rules(rawValue: 2)
    /// `!` before the name: it is none, though its parent's children are.
    static let exception = Rules(rawValue: 4)
  }

  private var rules: [Substring: Rules] = [:]
  /// Most labels of a name in the rules, so that long domains cost no more.
  private var largestLabelCount = 0
  /// How many rules there are.
  public private(set) var ruleCount = 0

  /// The list of a text as Mozilla publishes it, in UTF-8 or with A-labels.
  ///
  /// - Parameters:
  ///   - text: at most ``largestCount`` octets. A rule is what stands in a line before the first blank; empty lines,
  ///     and those that begin with `//`, are none.
  ///   - includesPrivateDomains: whether what companies and people asked to be listed, between the marks of PRIVATE
  ///     DOMAINS, counts too. Leave it so: below `github.io` are strangers to each other.
  /// - Throws: ``PublicSuffixListError`` for a text that is too large, has a line that is no rule, or has no rule at
  ///   all.
  public init(_ text: String, includesPrivateDomains: Bool = true) throws(PublicSuffixListError) {
    try self.init(Array(text.utf8), includesPrivateDomains: includesPrivateDomains)
  }

  /// The same of the octets of a file.
  public init(_ octets: [UInt8], includesPrivateDomains: Bool = true) throws(PublicSuffixListError) {
    guard octets.count <= Self.largestCount else {
      throw PublicSuffixListError(.tooLarge, "over \(Self.largestCount) octets")
    }
    var isPrivate = false
    var (start, line) = (0, 0)
    while start < octets.count {
      let end = octets[start...].firstIndex(of: .lineFeed) ?? octets.count
      line += 1
      let rule = octets[start..<end].prefix { !$0.isASCIIBlank && $0 != .carriageReturn }
      if rule.starts(with: "//".utf8) {
        // `// ===BEGIN PRIVATE DOMAINS===`
        let comment = String(decoding: octets[start..<end], as: UTF8.self)
        if comment.contains("===BEGIN PRIVATE DOMAINS===") { isPrivate = true }
        if comment.contains("===END PRIVATE DOMAINS===") { isPrivate = false }
      } else if !rule.isEmpty, includesPrivateDomains || !isPrivate {
        guard add(rule) else {
          let shown = String(decoding: rule.prefix(80), as: UTF8.self)
          throw PublicSuffixListError(.invalidRule, "\(shown) is no rule", line: line)
        }
      }
      start = end + 1
    }
    guard ruleCount > 0 else { throw PublicSuffixListError(.empty, "there is no rule in it") }
  }

  /// `false` where that is no rule. Only the first label may be a wildcard, as it is in every rule that was ever
  /// published.
  private mutating func add(_ rule: ArraySlice<UInt8>) -> Bool {
    let (kind, name): (Rules, ArraySlice<UInt8>) =
      if rule.starts(with: "*.".utf8) {
        (.children, rule.dropFirst(2))
      } else if rule.first == UInt8(ascii: "!") {
        (.exception, rule.dropFirst())
      } else {
        (.suffix, rule)
      }
    guard let domain = DomainName(Array(name).span) else { return false }
    // An exception takes its first label away, so that one must be left.
    guard kind != .exception || domain.labelCount > 1 else { return false }
    rules[domain.description[...], default: []].formUnion(kind)
    largestLabelCount = max(largestLabelCount, domain.labelCount + 1)
    ruleCount += 1
    return true
  }

  /// The public suffix of a domain: itself where it is one. A domain for which there is no rule is below its last
  /// label.
  public func publicSuffix(of domain: DomainName) -> DomainName { domain.suffix(suffixLabelCount(of: domain)) }

  /// Whether anybody can register domains below this one, so that it is nobody's own: `co.uk`, and `example` without
  /// a dot.
  public func isPublicSuffix(_ domain: DomainName) -> Bool { suffixLabelCount(of: domain) == domain.labelCount }

  /// The domain that was registered: one label below the public suffix (RFC 7489 §3.2); `nil` for a public suffix.
  public func organizationalDomain(of domain: DomainName) -> DomainName? {
    let count = suffixLabelCount(of: domain)
    return count < domain.labelCount ? domain.suffix(count + 1) : nil
  }

  /// How many labels the public suffix has. An exception prevails, else the longest rule.
  private func suffixLabelCount(of domain: DomainName) -> Int {
    var found = 1
    let name = domain.description
    var (start, count) = (name.endIndex, 0)
    while start > name.startIndex, count < largestLabelCount {
      if count > 0 { start = name.utf8.index(before: start) }
      let dot = name.utf8[..<start].lastIndex(of: UInt8(ascii: "."))
      start = dot.map(name.utf8.index(after:)) ?? name.startIndex
      count += 1
      guard let rules = rules[name[start...]] else { continue }
      if rules.contains(.exception) { return count - 1 }
      if rules.contains(.suffix) { found = max(found, count) }
      if rules.contains(.children), dot != nil { found = max(found, count + 1) }
    }
    return found
  }
}
