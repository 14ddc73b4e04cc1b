/// A mailbox of RFC 5321 §4.1.2 and RFC 6531 §3.3: a local part and where it lives. It cannot hold CR, LF, NUL or any other
/// control.
///
/// The local part is opaque: kept as it was written, quotes included, never decoded, compared octet by octet. A domain in
/// UTF-8 becomes the US-ASCII form that DNS knows (see ``DomainName``).
public struct Mailbox: Hashable, Sendable, CustomStringConvertible {
  /// Where a mailbox lives.
  public enum Host: Hashable, Sendable, CustomStringConvertible {
    /// A domain name.
    case domain(DomainName)
    /// An address literal, `[192.0.2.1]` (RFC 5321 §4.1.3).
    case literal(IPAddress)

    /// As it stands behind the `@`, brackets included.
    public var description: String {
      switch self {
      case .domain(let name): name.description
      case .literal(let address): "[\(address.literal)]"
      }
    }
  }

  /// 1 to 64 octets: a dot-atom, or a quoted string with its quotes, of US-ASCII or UTF-8.
  public let localPart: String
  /// What stands behind the last `@` outside quotes.
  public let host: Host

  /// `local@domain`, or `nil` where that is not a mailbox by RFC 5321 §4.1.2 or RFC 6531 §3.3, or is over their limits
  /// (RFC 5321 §4.5.3.1): 64 octets in the local part, 253 in the domain, 254 in all, with which a path in its brackets
  /// comes to 256.
  public init?(_ text: String) {
    let octets = Array(text.utf8)
    self.init(octets.span)
  }

  package init?(_ octets: Span<UInt8>) {
    guard let end = Self.endOfLocalPart(octets), (1...64).contains(end), end + 1 < octets.count,
      octets[end] == UInt8(ascii: "@"), let host = Host(octets.extracting((end + 1)...)), end + 1 + host.count <= 254
    else { return nil }
    localPart = octets.extracting(0..<end).text()
    self.host = host
  }

  /// `local@domain`.
  public var description: String { "\(localPart)@\(host)" }

  /// The domain, unless the mailbox lives at an address literal.
  public var domain: DomainName? {
    if case .domain(let name) = host { name } else { nil }
  }

  /// Whether the local part is beyond US-ASCII, so that the mailbox can be written only where SMTPUTF8 is spoken.
  package var isInternationalized: Bool { localPart.utf8.contains { $0 >= 0x80 } }

  /// Texts that look the same to Unicode are not the same octets, and only the host of a mailbox knows what these mean.
  public static func == (left: Mailbox, right: Mailbox) -> Bool {
    left.localPart == right.localPart && left.host == right.host
      && left.localPart.utf8.elementsEqual(right.localPart.utf8)
  }

  private static func endOfLocalPart(_ octets: Span<UInt8>) -> Int? {
    guard octets.count > 0 else { return nil }
    return octets[0] == UInt8(ascii: "\"") ? endOfQuotedString(octets) : endOfDotAtom(octets)
  }

  private static func endOfDotAtom(_ octets: Span<UInt8>) -> Int? {
    var index = 0
    var atomStart = 0
    while index < octets.count {
      if octets[index] == UInt8(ascii: ".") {
        guard index > atomStart else { return nil }
        atomStart = index + 1
        index += 1
      } else {
        guard let width = octets.widthOfAtomText(at: index) else { break }
        index += width
      }
    }
    return index > atomStart ? index : nil
  }

  /// `DQUOTE *(qtextSMTP / quoted-pairSMTP) DQUOTE`
  private static func endOfQuotedString(_ octets: Span<UInt8>) -> Int? {
    var index = 1
    while index < octets.count {
      switch octets[index] {
      case UInt8(ascii: "\""): return index > 1 ? index + 1 : nil
      case UInt8(ascii: "\\"):
        index += 1
        guard index < octets.count, (0x20...0x7E).contains(octets[index]) else { return nil }
        index += 1
      case 0x20...0x7E: index += 1
      default:
        guard let width = octets.widthOfAddressScalar(at: index) else { return nil }
        index += width
      }
    }
    return nil
  }
}

extension Mailbox.Host {
  package init?(_ octets: Span<UInt8>) {
    guard octets.count > 0 else { return nil }
    guard octets[0] == UInt8(ascii: "[") else {
      guard let name = DomainName(octets) else { return nil }
      self = .domain(name)
      return
    }
    guard octets.count > 2, octets[octets.count - 1] == UInt8(ascii: "]") else { return nil }
    let inner = octets.extracting(1..<(octets.count - 1))
    if inner.startsIgnoringCase("ipv6:") {
      let tail = inner.extracting(5...)
      guard tail.firstIndex(of: UInt8(ascii: ":")) != nil, let address = IPAddress(tail) else { return nil }
      self = .literal(address)
    } else {
      guard let bits = IPAddress.parseV4(inner) else { return nil }
      self = .literal(.v4(bits))
    }
  }
}

extension Mailbox.Host {
  /// Octets of the description.
  fileprivate var count: Int {
    switch self {
    case .domain(let name): name.description.utf8.count
    case .literal: description.utf8.count
    }
  }
}

extension Span<UInt8> {
  /// How many octets of a dot-atom's text begin at `index`: one of `atext`, or a scalar beyond US-ASCII.
  fileprivate func widthOfAtomText(at index: Int) -> Int? {
    self[index] < 0x80 ? (self[index].isAtomText ? 1 : nil) : widthOfAddressScalar(at: index)
  }
}
