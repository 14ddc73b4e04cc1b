/// The strings of one TXT record (RFC 1035 §3.3.14): one at least, each of 0 to 255 octets.
public struct DNSText: Hashable, Sendable, CustomStringConvertible {
  /// Most octets of a string: 255 (RFC 1035 §3.3).
  public static let largestStringCount = 255

  /// The strings as they were published.
  public let strings: [[UInt8]]

  /// These strings. What is longer than a string may be goes on in the next one; no string at all is an empty one.
  public init(strings: [[UInt8]]) {
    if strings.isEmpty {
      self.strings = [[]]
    } else if strings.allSatisfy({ $0.count <= Self.largestStringCount }) {
      self.strings = strings
    } else {
      self.strings = strings.flatMap(Self.split)
    }
  }

  /// A text in strings of 255 octets, the last of what is left.
  public init(_ text: String) { strings = Self.split(Array(text.utf8)) }

  /// The strings joined, nothing between them (RFC 7208 §3.3, RFC 6376 §3.6.2.2).
  public var octets: [UInt8] { Array(strings.joined()) }

  /// The joined strings as text; what is not UTF-8 becomes U+FFFD.
  public var description: String { String(decoding: octets, as: UTF8.self) }

  private static func split(_ octets: [UInt8]) -> [[UInt8]] {
    guard octets.count > largestStringCount else { return [octets] }
    return stride(from: 0, to: octets.count, by: largestStringCount).map {
      Array(octets[$0..<min($0 + largestStringCount, octets.count)])
    }
  }
}
