import MailDNS
import MailModel

/// A domain that is asked for, as octets and as a name of the DNS.
struct SPFTarget {
  /// Without a dot at the end. The macro `d` gives these.
  let octets: ArraySlice<UInt8>
  let name: DNSName

  /// `nil` where the octets are no name: a label is empty or over 63 octets.
  init?(_ octets: ArraySlice<UInt8>) {
    let octets = octets.last == UInt8(ascii: ".") ? octets.dropLast() : octets
    guard !octets.isEmpty, let name = Self.name(octets) else { return nil }
    (self.octets, self.name) = (octets, name)
  }

  private static func name(_ octets: ArraySlice<UInt8>) -> DNSName? {
    if !octets.span.hasHighOctets, let domain = DomainName(octets.span) { return DNSName(domain) }
    let labels = octets.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return DNSName(labels: labels.lazy.map(Array.init))
  }

  /// Whether it has two labels or more, as the name of a mail domain must (RFC 7208 §4.3).
  var isMultiLabel: Bool { octets.contains(UInt8(ascii: ".")) }
}

/// What the macros stand for in one place (RFC 7208 §7.2).
struct SPFMacroValues {
  let request: SPFRequest
  /// The domain whose record holds the text.
  let domain: ArraySlice<UInt8>
  /// What `p` gives; `unknown`, where there is none.
  var validatedName: [UInt8]?
  let receiver: DomainName?
  let now: Timestamp?

  func value(of letter: UInt8) -> [UInt8] {
    switch letter {
    case UInt8(ascii: "s"): Array(request.sender.utf8)
    case UInt8(ascii: "l"): Array(request.localPart.utf8)
    case UInt8(ascii: "o"): Array(request.domain.utf8)
    case UInt8(ascii: "d"): Array(domain)
    case UInt8(ascii: "i"): request.clientAddress.dottedLabels
    case UInt8(ascii: "p"): validatedName ?? Array("unknown".utf8)
    case UInt8(ascii: "v"): Array(request.clientAddress.arpaLabel.utf8)
    case UInt8(ascii: "h"): Array(request.helo.utf8)
    case UInt8(ascii: "c"): Array(request.clientAddress.description.utf8)
    case UInt8(ascii: "r"): Array((receiver?.description ?? "unknown").utf8)
    case UInt8(ascii: "t"): Array((now.map { String($0.milliseconds / 1000) } ?? "unknown").utf8)
    default: []
    }
  }
}

extension SPFMacroString {
  /// Most octets of a domain as it is written (RFC 7208 §7.3).
  static let largestNameCount = 253

  /// The domain that this stands for; `nil` where that is no name.
  ///
  /// One that is too long loses labels on the left until it fits (RFC 7208 §7.3).
  func target(_ values: SPFMacroValues) -> SPFTarget? {
    var name: [UInt8] = []
    expand(values, isExplanation: false) { part in
      name += part
      // No more of it can stay than these, so that macros of macros cost no memory.
      if name.count > 4 * Self.largestNameCount { name.removeFirst(name.count - Self.largestNameCount - 2) }
      return true
    }
    return SPFTarget(fitting: name[...])
  }

  /// The words that this stands for; `nil` where they have more than `limit` octets.
  func text(_ values: SPFMacroValues, limit: Int) -> [UInt8]? {
    var text: [UInt8] = []
    expand(values, isExplanation: true) { part in
      text += part
      return text.count <= limit
    }
    return text.count <= limit ? text : nil
  }

  /// Hands on what the parts stand for, in order, until `take` has enough.
  private func expand(_ values: SPFMacroValues, isExplanation: Bool, _ take: (ArraySlice<UInt8>) -> Bool) {
    var reader = SPFMacroReader(source, isExplanation: isExplanation)
    while let token = try? reader.next() {
      let goesOn =
        switch token {
        case .literal(let range): take(source[range])
        case .percent: take([UInt8(ascii: "%")])
        case .blank: take([.space])
        case .encodedBlank: take([UInt8(ascii: "%"), UInt8(ascii: "2"), UInt8(ascii: "0")])
        case .macro(let macro): take(expansion(of: macro, values)[...])
        }
      guard goesOn else { return }
    }
  }

  /// The value of a macro, parted, turned round, cut and joined with dots (RFC 7208 §7.3).
  private func expansion(of macro: SPFMacro, _ values: SPFMacroValues) -> [UInt8] {
    let value = values.value(of: macro.letter)
    guard macro.parts != nil || macro.isReversed || !macro.delimiters.isEmpty else {
      return macro.isEscaped ? value.percentEncoded : value
    }
    let delimiters = macro.delimiters.isEmpty ? [UInt8(ascii: ".")] : source[macro.delimiters]
    var parts = value.split(omittingEmptySubsequences: false) { delimiters.contains($0) }
    if macro.isReversed { parts.reverse() }
    let joined = Array(parts.suffix(macro.parts ?? parts.count).joined(separator: CollectionOfOne(UInt8(ascii: "."))))
    return macro.isEscaped ? joined.percentEncoded : joined
  }
}

extension SPFTarget {
  /// A domain as macros made it, cut on the left to what a name may have.
  init?(fitting octets: ArraySlice<UInt8>) {
    var octets = octets.last == UInt8(ascii: ".") ? octets.dropLast() : octets
    if octets.count > SPFMacroString.largestNameCount {
      guard let dot = octets.suffix(SPFMacroString.largestNameCount + 1).firstIndex(of: UInt8(ascii: ".")) else {
        return nil
      }
      octets = octets[(dot + 1)...]
    }
    self.init(octets)
  }
}

extension IPAddress {
  /// The octets of IPv4, or the nibbles of IPv6, with dots between them: the macro `i`.
  var dottedLabels: [UInt8] {
    switch self {
    case .v4: Array(description.utf8)
    case .v6(let bits):
      Array(
        (0..<32).map { index in
          let nibble = UInt8(truncatingIfNeeded: bits >> UInt128(124 - 4 * index)) & 0x0F
          return CollectionOfOne(nibble < 10 ? 0x30 + nibble : 0x61 + nibble - 10)
        }.joined(separator: CollectionOfOne(UInt8(ascii: "."))))
    }
  }

  /// What stands above the address in the DNS: the macro `v`.
  var arpaLabel: String {
    switch self {
    case .v4: "in-addr"
    case .v6: "ip6"
    }
  }

  /// Where the names of the address are (RFC 1035 §3.5, RFC 3596 §2.5).
  var reverseName: DNSName? {
    let labels = dottedLabels.split(separator: UInt8(ascii: ".")).reversed().map(Array.init)
    return DNSName(labels: labels + [Array(arpaLabel.utf8), Array("arpa".utf8)])
  }
}

extension [UInt8] {
  /// As it may stand in a URL: all but `unreserved` of RFC 3986 §2.3 as `%XX`.
  fileprivate var percentEncoded: [UInt8] {
    var text: [UInt8] = []
    for octet in self {
      switch octet {
      case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): text.append(octet)
      case _ where octet.isASCIIAlphanumeric: text.append(octet)
      default:
        let digits = Array("0123456789ABCDEF".utf8)
        text += [UInt8(ascii: "%"), digits[Int(octet >> 4)], digits[Int(octet & 0x0F)]]
      }
    }
    return text
  }
}
