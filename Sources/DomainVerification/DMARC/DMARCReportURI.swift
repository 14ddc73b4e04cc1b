public import MailModel

/// Where reports are to go: one URI of `rua=` or `ruf=` (RFC 9989 §4.8, RFC 7489 §6.2 and §6.4).
public struct DMARCReportURI: Hashable, Sendable, CustomStringConvertible {
  /// The URI, without the size behind it.
  public let uri: String
  /// The largest report that is wanted, in octets, where the record says so: `!10m`. RFC 9989 took it out, and asks
  /// that it be ignored.
  public let largestReport: UInt64?

  /// The address of a `mailto:` URI, its escapes undone; `nil` for another scheme, and where that is no mailbox.
  public var mailbox: Mailbox? {
    let octets = Array(uri.utf8)
    guard octets.span.startsIgnoringCase("mailto:") else { return nil }
    let end = octets.firstIndex(of: UInt8(ascii: "?")) ?? octets.count
    return Self.unescaped(octets[7..<end]).flatMap { Mailbox($0.span) }
  }

  /// The scheme in lower case: `mailto`.
  public var scheme: String { String(uri.prefix { $0 != ":" }).lowercased() }

  /// The URI as a record writes it.
  public var description: String { largestReport.map { "\(uri)!\($0)" } ?? uri }

  /// `nil` where the octets are no URI by RFC 3986 §3 and §2, or hold a `!` that no size follows.
  init?(_ octets: ArraySlice<UInt8>) {
    var uri = octets
    var size: UInt64?
    if let mark = octets.firstIndex(of: UInt8(ascii: "!")) {
      guard let number = Self.size(octets[(mark + 1)...]) else { return nil }
      (uri, size) = (octets[..<mark], number)
    }
    guard Self.isURI(uri) else { return nil }
    (self.uri, largestReport) = (String(decoding: uri, as: UTF8.self), size)
  }

  /// `scheme ":"`, then at least one octet that a URI may hold, each `%` before two hexadecimal digits.
  private static func isURI(_ octets: ArraySlice<UInt8>) -> Bool {
    guard let colon = octets.firstIndex(of: UInt8(ascii: ":")), colon + 1 < octets.endIndex,
      let first = octets.first, first.isASCIILetter,
      octets[..<colon].allSatisfy({ $0.isASCIIAlphanumeric || "+-.".utf8.contains($0) })
    else { return false }
    let rest = octets[(colon + 1)...]
    return rest.allSatisfy(\.mayStandInURI) && unescaped(rest) != nil
  }

  /// `1*DIGIT [ "k" / "m" / "g" / "t" ]`, with powers of 1,024 (RFC 7489 §6.2); what is over 64 bits is no size.
  private static func size(_ octets: ArraySlice<UInt8>) -> UInt64? {
    guard let last = octets.last else { return nil }
    var digits = octets
    var shift = 0
    if let power = Array("kmgt".utf8).firstIndex(of: last.asciiLowercased) {
      shift = (power + 1) * 10
      digits = digits.dropLast()
    }
    guard (1...19).contains(digits.count), digits.allSatisfy(\.isASCIIDigit) else { return nil }
    let number = digits.reduce(UInt64(0)) { $0 * 10 + UInt64($1 - 0x30) }
    return number.leadingZeroBitCount >= shift ? number << shift : nil
  }

  /// The octets with `%XX` undone; `nil` where two digits are missing.
  private static func unescaped(_ octets: ArraySlice<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    var index = octets.startIndex
    while index < octets.endIndex {
      if octets[index] == UInt8(ascii: "%") {
        guard index + 2 < octets.endIndex, let high = octets[index + 1].hexadecimalValue,
          let low = octets[index + 2].hexadecimalValue
        else { return nil }
        result.append(high << 4 | low)
        index += 3
      } else {
        result.append(octets[index])
        index += 1
      }
    }
    return result
  }
}

extension UInt8 {
  /// `unreserved`, `reserved` and `%` of RFC 3986 §2.
  fileprivate var mayStandInURI: Bool { isASCIIAlphanumeric || "-._~:/?#[]@!$&'()*+,;=%".utf8.contains(self) }
}
