/// A domain name as it stands in a mail address: letters, digits and hyphens, in lower case, without a trailing dot.
///
/// Labels are 1 to 63 octets, the whole 1 to 253 (RFC 1035 §2.3.4, RFC 5321 §4.1.2). Upper case is folded, since
/// names are compared without case (RFC 4343); so two equal names are equal values.
public struct DomainName: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The name, in lower case.
  public let description: String

  /// `nil` where `text` is no domain name; an address literal is none.
  public init?(_ text: String) {
    let octets = Array(text.utf8)
    self.init(octets.span)
  }

  package init?(_ octets: Span<UInt8>) {
    guard Self.isValid(octets) else { return nil }
    description = String(
      decoding: [UInt8](capacity: octets.count) { output in
        for index in octets.indices { output.append(octets[index].asciiLowercased) }
      }, as: UTF8.self)
  }

  /// Alphabetical.
  public static func < (left: DomainName, right: DomainName) -> Bool { left.description < right.description }

  private static func isValid(_ octets: Span<UInt8>) -> Bool {
    guard (1...253).contains(octets.count) else { return false }
    var labelStart = 0
    for index in octets.indices {
      let octet = octets[index]
      if octet == UInt8(ascii: ".") {
        guard isLabel(octets.extracting(labelStart..<index)) else { return false }
        labelStart = index + 1
      }
    }
    return isLabel(octets.extracting(labelStart..<octets.count))
  }

  private static func isLabel(_ octets: Span<UInt8>) -> Bool {
    guard (1...63).contains(octets.count) else { return false }
    for index in octets.indices where !octets[index].isASCIIAlphanumeric && octets[index] != UInt8(ascii: "-") {
      return false
    }
    return octets[0] != UInt8(ascii: "-") && octets[octets.count - 1] != UInt8(ascii: "-")
  }
}
