/// An IPv4 or IPv6 address. An IPv4 address mapped into IPv6 (`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2) becomes the IPv4
/// address that it stands for, so that no rule is passed by by writing an address another way.
public enum IPAddress: Hashable, Sendable, CustomStringConvertible {
  /// The four octets, the first in the highest bits.
  case v4(UInt32)
  /// The sixteen octets, the first in the highest bits. Never a mapped IPv4 address when made by an initialiser here.
  case v6(UInt128)

  /// The octets of an address in network order: four or sixteen of them, or `nil`.
  public init?(octets: [UInt8]) {
    switch octets.count {
    case 4: self = .v4(octets.reduce(0) { $0 << 8 | UInt32($1) })
    case 16: self = IPAddress(v6Bits: octets.reduce(0) { $0 << 8 | UInt128($1) })
    default: return nil
    }
  }

  /// An address in text: dotted decimal without leading zeros, or RFC 4291 §2.2. No zone, no brackets.
  public init?(_ text: String) {
    let octets = Array(text.utf8)
    self.init(octets.span)
  }

  package init?(_ text: Span<UInt8>) {
    if text.firstIndex(of: UInt8(ascii: ":")) == nil {
      guard let bits = Self.parseV4(text) else { return nil }
      self = .v4(bits)
    } else {
      guard let bits = Self.parseV6(text) else { return nil }
      self = IPAddress(v6Bits: bits)
    }
  }

  private init(v6Bits bits: UInt128) { self = bits >> 32 == 0xFFFF ? .v4(UInt32(truncatingIfNeeded: bits)) : .v6(bits) }

  /// The usual text: dotted decimal, or RFC 5952 for IPv6.
  public var description: String {
    switch self {
    case .v4(let bits): (0..<4).map { String(bits >> (24 - 8 * $0) & 0xFF) }.joined(separator: ".")
    case .v6(let bits): Self.text(v6: bits)
    }
  }

  /// The text in an address literal of RFC 5321 §4.1.3, without the brackets: `192.0.2.1` or `IPv6:2001:db8::1`.
  public var literal: String {
    switch self {
    case .v4: description
    case .v6: "IPv6:" + description
    }
  }
}

extension IPAddress {
  static func parseV4(_ text: Span<UInt8>) -> UInt32? {
    guard (7...15).contains(text.count) else { return nil }
    var bits: UInt32 = 0
    var part: UInt32 = 0
    var digits = 0
    var dots = 0
    for index in text.indices {
      let octet = text[index]
      if octet.isASCIIDigit {
        guard digits == 0 || part > 0 else { return nil }  // a leading zero reads as octal elsewhere
        part = part * 10 + UInt32(octet - 0x30)
        digits += 1
        guard digits <= 3, part <= 255 else { return nil }
      } else {
        guard octet == UInt8(ascii: "."), digits > 0, dots < 3 else { return nil }
        (bits, part, digits, dots) = (bits << 8 | part, 0, 0, dots + 1)
      }
    }
    return dots == 3 && digits > 0 ? bits << 8 | part : nil
  }

  static func parseV6(_ text: Span<UInt8>) -> UInt128? {
    guard (2...45).contains(text.count) else { return nil }
    var groups = IPv6Groups()
    var index = 0
    if text[0] == UInt8(ascii: ":") {
      guard text[1] == UInt8(ascii: ":") else { return nil }
      groups.gap = 0
      index = 2
    }
    while index < text.count {
      let start = index
      var value: UInt32 = 0
      while index < text.count, let digit = text[index].hexadecimalValue {
        value = value << 4 | UInt32(digit)
        index += 1
        guard index - start <= 4 else { break }
      }
      if index < text.count, text[index] == UInt8(ascii: ".") {
        guard let tail = parseV4(text.extracting(start..<text.count)) else { return nil }
        groups.append(tail >> 16)
        groups.append(tail & 0xFFFF)
        break
      }
      guard (1...4).contains(index - start), groups.count < 8 else { return nil }
      groups.append(value)
      guard index < text.count else { break }
      guard text[index] == UInt8(ascii: ":") else { return nil }
      index += 1
      guard index < text.count else { return nil }  // a single colon at the end
      if text[index] == UInt8(ascii: ":") {
        guard groups.gap == nil else { return nil }
        groups.gap = groups.count
        index += 1
      }
    }
    return groups.bits
  }

  private static func text(v6 bits: UInt128) -> String {
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> (112 - 16 * $0)) }
    // The longest run of two zero groups or more, the first of equals (RFC 5952 §4.2).
    var run = 0..<0
    var start = 0
    while start < 8 {
      guard groups[start] == 0 else {
        start += 1
        continue
      }
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > max(run.count, 1) { run = start..<end }
      start = end
    }
    func join(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
    return run.isEmpty ? join(groups[...]) : join(groups[..<run.lowerBound]) + "::" + join(groups[run.upperBound...])
  }
}

/// The groups of an IPv6 address in text, as they come.
private struct IPv6Groups {
  /// In the lowest bits, the last group lowest.
  private var read: UInt128 = 0
  private(set) var count = 0
  /// How many groups stand before `::`, if it was there.
  var gap: Int?

  mutating func append(_ group: UInt32) {
    read = read << 16 | UInt128(group)
    count += 1
  }

  /// The address; `nil` where the groups are too few or too many.
  var bits: UInt128? {
    guard let gap else { return count == 8 ? read : nil }
    guard count <= 7 else { return nil }
    let behind = 16 * (count - gap)
    let before = read >> behind  // up to 112 bits of each
    return before << (16 * (8 - gap)) | read & ((1 << behind) - 1)
  }
}
