public import MailModel

/// A record as a domain publishes it, `v=spf1 mx include:example.net -all` (RFC 7208 §4.5, §4.6, §12), read to the letter of its
/// grammar.
public struct SPFRecord: Hashable, Sendable, CustomStringConvertible {
  /// What is looked for at the client's address (RFC 7208 §5). A domain that is missing is that of the record.
  public enum Mechanism: Hashable, Sendable {
    /// `all`: every address.
    case all
    /// `include`: the addresses that pass with another domain's record.
    case include(SPFMacroString)
    /// `a`: the addresses of a host, and those near it.
    case a(SPFMacroString?, SPFPrefixLengths)
    /// `mx`: the addresses of the hosts that take mail for a domain, and those near them.
    case mx(SPFMacroString?, SPFPrefixLengths)
    /// `ptr`: the addresses that have a name within a domain. Nobody should use it.
    case ptr(SPFMacroString?)
    /// `ip4`: a block of addresses.
    case ip4(IPNetwork)
    /// `ip6`: a block of addresses. Never one of IPv4 mapped into IPv6: those are IPv4.
    case ip6(IPNetwork)
    /// `exists`: every address, where a name that is made from it has an A record.
    case exists(SPFMacroString)
  }

  /// A mechanism, and what it says of whom it matches (RFC 7208 §4.6.2).
  public struct Directive: Hashable, Sendable {
    /// What it says where it matches: `pass`, `fail`, `softfail` or `neutral`.
    public let result: SPFResult
    /// Whom it matches.
    public let mechanism: Mechanism
    let source: ArraySlice<UInt8>

    /// As it stands in the record.
    public var text: String { String(decoding: source, as: UTF8.self) }
    /// Where it begins: 1 for the first octet of the record.
    public var column: Int { source.startIndex + 1 }
  }

  /// A name and a value (RFC 7208 §6).
  public struct Modifier: Hashable, Sendable {
    /// The name in lower case: `redirect`, `exp`, or another, which has no meaning.
    public let name: String
    /// The value.
    public let value: SPFMacroString
    let source: ArraySlice<UInt8>

    /// As it stands in the record.
    public var text: String { String(decoding: source, as: UTF8.self) }
    /// Where it begins: 1 for the first octet of the record.
    public var column: Int { source.startIndex + 1 }
  }

  /// Most octets of a record: as many as the data of a TXT record can have (RFC 1035 §3.2.1).
  public static let largestCount = 65_535

  /// The record, its strings joined (RFC 7208 §3.3).
  public let octets: [UInt8]
  /// The directives in order.
  public let directives: [Directive]
  /// The modifiers in order, unknown ones too.
  public let modifiers: [Modifier]
  /// Where to look when no directive matches (RFC 7208 §6.1).
  public let redirect: Modifier?
  /// Where the words for a `fail` are (RFC 7208 §6.2).
  public let explanation: Modifier?

  /// Reads a record.
  ///
  /// - Throws: ``SPFSyntaxError`` for the first thing in it that breaks the grammar.
  public init(_ octets: [UInt8]) throws(SPFSyntaxError) {
    var parser = try SPFRecordParser(octets)
    try parser.readTerms()
    self.octets = octets
    (directives, modifiers) = (parser.directives, parser.modifiers)
    (redirect, explanation) = (parser.redirect, parser.explanation)
  }

  /// Reads a record.
  ///
  /// - Throws: ``SPFSyntaxError`` for the first thing in it that breaks the grammar.
  public init(_ text: String) throws(SPFSyntaxError) { try self.init(Array(text.utf8)) }

  /// The directives that are looked at: those up to the first `all`, which matches everybody (RFC 7208 §5.1).
  var reachableDirectives: ArraySlice<Directive> { directives[..<(firstAll.map { $0 + 1 } ?? directives.endIndex)] }

  /// The others.
  var unreachableDirectives: ArraySlice<Directive> { directives[reachableDirectives.endIndex...] }

  /// Whether it has an `all`, beside which a `redirect` is ignored (RFC 7208 §6.1).
  var hasAll: Bool { firstAll != nil }

  private var firstAll: Int? { directives.firstIndex { $0.mechanism == .all } }

  /// Whether a TXT record claims to be an SPF record: it begins with `v=spf1` and a blank, or is no more than that (RFC 7208 §4.5).
  public static func isRecord(_ octets: [UInt8]) -> Bool {
    let octets = octets.span
    return octets.startsIgnoringCase("v=spf1") && (octets.count == 6 || octets[6] == .space)
  }

  /// Whether a TXT record that is none looks as if somebody had meant it to be one: quotes or blanks in front, `v=spf1;`, `v=spf 1`,
  /// `spf1`, `v=spf2`. Only the start is looked at, where the version should be.
  static func isMeant(_ octets: [UInt8]) -> Bool {
    let start = octets.prefix(16).filter { $0.isASCIIAlphanumeric }
    return start.span.startsIgnoringCase("vspf") || start.span.startsIgnoringCase("spf")
  }

  /// The record.
  public var description: String { String(decoding: octets, as: UTF8.self) }
}

/// How many leading bits of an address must be those of a host (RFC 7208 §5.3: `dual-cidr-length`).
public struct SPFPrefixLengths: Hashable, Sendable {
  /// Of IPv4, 0 to 32; 32 where nothing is said.
  public var v4 = 32
  /// Of IPv6, 0 to 128; 128 where nothing is said.
  public var v6 = 128

  /// Whether `client` lies in the block round `host`. Addresses of two families never do.
  func matches(_ client: IPAddress, _ host: IPAddress) -> Bool {
    switch host {
    case .v4: IPNetwork(host, prefixLength: v4)?.contains(client) ?? false
    case .v6: IPNetwork(host, prefixLength: v6)?.contains(client) ?? false
    }
  }
}
