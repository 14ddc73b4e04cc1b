/// A mailbox of RFC 5321 §4.1.2: a local part and where it lives. It cannot hold CR, LF, NUL or any other control.
///
/// The local part is opaque: kept as it was written, quotes included, never decoded, compared with case.
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

  /// 1 to 64 octets: a dot-atom, or a quoted string with its quotes.
  public let localPart: String
  /// What stands behind the last `@` outside quotes.
  public let host: Host

  /// `local@domain`, or `nil` where that is not a mailbox by RFC 5321 §4.1.2 and its limits (§4.5.3.1: local part 64
  /// octets, domain 255).
  public init?(_ text: String) {
    let octets = Array(text.utf8)
    self.init(octets.span)
  }

  package init?(_ octets: Span<UInt8>) {
    guard let end = Self.endOfLocalPart(octets), (1...64).contains(end), end + 1 < octets.count,
      octets[end] == UInt8(ascii: "@"), let host = Host(octets.extracting((end + 1)...))
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

  /// Whether the local part is a plain dot-atom.
  package var hasAtomLocalPart: Bool { localPart.utf8.first != UInt8(ascii: "\"") }

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
      } else if !octets[index].isAtomText {
        break
      }
      index += 1
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
      case 0x20...0x7E: break
      default: return nil
      }
      index += 1
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
