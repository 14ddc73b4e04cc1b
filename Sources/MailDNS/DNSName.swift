public import MailModel

/// A name in the DNS, of labels that may hold any octet (RFC 2181 §11): `_dmarc.example.com`, the root, what the macros
/// of an SPF record make. Names of hosts and mail domains are narrower: see ``MailModel/DomainName``.
///
/// Labels are 1 to 63 octets, the whole at most 255 as it is sent (RFC 1035 §2.3.4). US-ASCII is in lower case, since
/// names are compared without case (RFC 4343): two equal names are equal values.
public struct DNSName: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The name as master files write it (RFC 1035 §5.1), without a dot at the end: what is no visible US-ASCII, or has a
  /// meaning there, stands as `\DDD`. The root is `.`.
  public let description: String

  /// `.`
  public static let root = DNSName(unchecked: ".")

  /// Most octets of a name as it is sent: 255.
  public static let largestCount = 255
  /// Most octets of a label: 63.
  public static let largestLabelCount = 63

  private init(unchecked description: String) { self.description = description }

  /// A mail domain or the name of a host.
  public init(_ domain: DomainName) { description = domain.description }

  /// Labels, the nearest to the root last; none for the root. `nil` where one is empty or too long, or all are
  /// together.
  public init?(labels: some Sequence<[UInt8]>) {
    var text: [UInt8] = []
    var count = 1
    for label in labels {
      count += label.count + 1
      guard !label.isEmpty, label.count <= Self.largestLabelCount, count <= Self.largestCount else { return nil }
      if !text.isEmpty { text.append(UInt8(ascii: ".")) }
      for octet in label { Self.append(octet, to: &text) }
    }
    description = text.isEmpty ? "." : String(decoding: text, as: UTF8.self)
  }

  /// A name as master files write it, with or without a dot at the end; `nil` where that is none, or too long. Octets
  /// beyond US-ASCII stand for themselves.
  public init?(_ text: String) {
    if text == "." {
      self = .root
      return
    }
    guard let labels = Self.labels(of: text), !labels.isEmpty else { return nil }
    self.init(labels: labels)
  }

  /// The labels, the nearest to the root last; none for the root.
  public var labels: [[UInt8]] { self == .root ? [] : Self.labels(of: description) ?? [] }

  /// The name without its first label; `nil` for the root.
  public var parent: DNSName? {
    guard self != .root else { return nil }
    // A dot within a label is escaped by its number: every dot is between two.
    guard let dot = description.utf8.firstIndex(of: UInt8(ascii: ".")) else { return .root }
    return DNSName(unchecked: String(description[description.utf8.index(after: dot)...]))
  }

  /// The name with more labels in front, `_dmarc` for example; `nil` where that is too long or `prefix` is no name.
  public func prefixed(_ prefix: String) -> DNSName? {
    guard let front = DNSName(prefix) else { return nil }
    return DNSName(labels: front.labels + labels)
  }

  /// Whether this is `other`, or stands below it.
  public func isWithin(_ other: DNSName) -> Bool {
    guard self != other, other != .root else { return true }
    let (own, theirs) = (description.utf8, other.description.utf8)
    guard own.count > theirs.count else { return false }
    let start = own.index(own.startIndex, offsetBy: own.count - theirs.count)
    return own[own.index(before: start)] == UInt8(ascii: ".") && own[start...].elementsEqual(theirs)
  }

  /// The name as one of a host or a mail domain, if it is so narrow.
  public var domain: DomainName? { DomainName(description) }

  /// By their descriptions.
  public static func < (left: DNSName, right: DNSName) -> Bool { left.description < right.description }

  private static func append(_ octet: UInt8, to text: inout [UInt8]) {
    let octet = octet.asciiLowercased
    if octet.isASCIIVisible, !special.contains(octet) {
      text.append(octet)
    } else {
      text.append(UInt8(ascii: "\\"))
      text += String(1000 + Int(octet)).utf8.dropFirst()
    }
  }

  /// What has a meaning in a master file (RFC 1035 §5.1).
  private static let special = Array(#"."\();@$"#.utf8)

  /// No text of a name is longer: each octet of it may stand as `\DDD`, and a dot at the end.
  private static let largestTextCount = 4 * largestCount

  /// The labels of a text, with escapes undone; `nil` where an escape is none, or a label but the last is empty.
  private static func labels(of text: String) -> [[UInt8]]? {
    guard text.utf8.count <= largestTextCount else { return nil }
    let text = Array(text.utf8)
    var labels: [[UInt8]] = []
    var label: [UInt8] = []
    var index = 0
    while index < text.count {
      switch text[index] {
      case UInt8(ascii: "."):
        guard !label.isEmpty else { return nil }
        labels.append(label)
        label = []
        index += 1
      case UInt8(ascii: "\\"):
        guard let (octet, width) = escape(text[(index + 1)...]) else { return nil }
        label.append(octet.asciiLowercased)
        index += 1 + width
      default:
        label.append(text[index].asciiLowercased)
        index += 1
      }
    }
    if !label.isEmpty { labels.append(label) }
    return labels
  }

  /// What follows a backslash: three digits, or any other octet for itself.
  private static func escape(_ text: ArraySlice<UInt8>) -> (octet: UInt8, width: Int)? {
    guard let first = text.first else { return nil }
    guard first.isASCIIDigit else { return (first, 1) }
    let digits = text.prefix(3)
    guard digits.count == 3, digits.allSatisfy(\.isASCIIDigit) else { return nil }
    let value = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    return value <= 255 ? (UInt8(value), 3) : nil
  }
}
