/// A domain name as DNS knows it: letters, digits and hyphens, in lower case, without a trailing dot.
///
/// Labels are 1 to 63 octets, the whole 1 to 253 (RFC 1035 §2.3.4, RFC 5321 §4.1.2). Upper case is folded, since
/// names are compared without case (RFC 4343), and labels in UTF-8 become the A-labels that stand for them (RFC 5891); so
/// two equal names are equal values, however they were written.
public struct DomainName: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The name, in lower case.
  public let description: String

  /// `nil` where `text` is no domain name; an address literal is none, nor is a label in UTF-8 that is no U-label by
  /// RFC 5892: upper case beyond US-ASCII, letters that are not composed, dots of other scripts, joiners.
  public init?(_ text: String) {
    let octets = Array(text.utf8)
    self.init(octets.span)
  }

  package init?(_ octets: Span<UInt8>) {
    if Self.isValid(octets) {
      description = octets.lowercasedText()
    } else {
      guard let name = Self.encoded(octets) else { return nil }
      description = name
    }
  }

  /// A name that holds U-labels, with A-labels in their place.
  private static func encoded(_ octets: Span<UInt8>) -> String? {
    guard octets.count <= 255, octets.hasHighOctets else { return nil }
    var name: [UInt8] = []
    var start = 0
    while start <= octets.count {
      let end = octets.firstIndex(of: UInt8(ascii: "."), from: start) ?? octets.count
      let label = octets.extracting(start..<end)
      if start > 0 { name.append(UInt8(ascii: ".")) }
      if label.hasHighOctets {
        guard ULabel.appendALabel(of: label, to: &name) else { return nil }
      } else {
        guard isLabel(label) else { return nil }
        for index in label.indices { name.append(label[index].asciiLowercased) }
      }
      start = end + 1
    }
    return name.count <= 253 ? String(decoding: name, as: UTF8.self) : nil
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
