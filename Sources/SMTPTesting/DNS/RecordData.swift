import MailDNS
import MailModel

/// The data of one record, read word by word.
struct RecordData {
  typealias Unreadable = ZoneText.Unreadable
  private var words: ArraySlice<ZoneText.Word>

  init(_ words: ArraySlice<ZoneText.Word>) { self.words = words }

  mutating func record(_ type: DNSRecordType) throws(Unreadable) -> DNSRecord {
    switch type {
    case .a: .address(try address(isIPv6: false))
    case .aaaa: .address(try address(isIPv6: true))
    case .cname: .alias(try name())
    case .ptr: .pointer(try name())
    case .mx: .mailExchanger(preference: try number(), host: try name())
    case .txt: .text(DNSText(strings: try strings()))
    case .tlsa:
      .certificate(
        TLSARecord(usage: try number(), selector: try number(), matchingType: try number(), data: try octets()))
    }
  }

  /// The names and times of an SOA: gives how long its zone has it remembered that there is nothing.
  mutating func startOfAuthority() throws(Unreadable) -> Duration {
    for _ in 0..<2 { _ = try name() }
    for _ in 0..<4 { _ = try number() as UInt32 }
    return .seconds(try number() as UInt32)
  }

  /// There is nothing more.
  func end() throws(Unreadable) {
    if let word = words.first { throw Unreadable("\"\(word.text)\" is too much") }
  }

  mutating func name() throws(Unreadable) -> DNSName {
    let text = try next("a name")
    return try DNSName(text).orThrow("\"\(text)\" is no name")
  }

  private mutating func next(_ what: String) throws(Unreadable) -> String {
    try words.popFirst().orThrow("\(what) is missing").text
  }

  private mutating func number<Number: FixedWidthInteger>() throws(Unreadable) -> Number {
    let text = try next("a number")
    guard text.utf8.allSatisfy(\.isASCIIDigit) else { throw Unreadable("\"\(text)\" is no number") }
    return try Number(text).orThrow("\"\(text)\" is more than \(Number.max)")
  }

  private mutating func address(isIPv6: Bool) throws(Unreadable) -> IPAddress {
    let text = try next("an address")
    guard let address = IPAddress(text), text.utf8.contains(UInt8(ascii: ":")) == isIPv6 else {
      throw Unreadable("\"\(text)\" is no \(isIPv6 ? "IPv6" : "IPv4") address")
    }
    return address
  }

  /// Hexadecimal digits, of all that is left.
  private mutating func octets() throws(Unreadable) -> [UInt8] {
    let digits = words.flatMap(\.octets).map(\.hexadecimalValue)
    let values = digits.compactMap(\.self)
    guard !values.isEmpty, values.count == digits.count, values.count.isMultiple(of: 2) else {
      throw Unreadable("the data are no octets in hexadecimal digits")
    }
    words = []
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
  }

  private mutating func strings() throws(Unreadable) -> [[UInt8]] {
    guard !words.isEmpty else { throw Unreadable("a string is missing") }
    var strings: [[UInt8]] = []
    for word in words { strings.append(try Self.unescaped(word.octets)) }
    words = []
    return strings
  }

  private static func unescaped(_ octets: [UInt8]) throws(Unreadable) -> [UInt8] {
    var string: [UInt8] = []
    var rest = octets[...]
    while let octet = rest.popFirst() {
      guard octet == UInt8(ascii: "\\") else {
        string.append(octet)
        continue
      }
      let digits = rest.prefix(3)
      if digits.count == 3, digits.allSatisfy(\.isASCIIDigit) {
        let text = String(decoding: digits, as: UTF8.self)
        string.append(try UInt8(text).orThrow("\\\(text) is no octet"))
        rest = rest.dropFirst(3)
      } else {
        string.append(try rest.popFirst().orThrow("nothing follows a backslash"))
      }
    }
    guard string.count <= DNSText.largestStringCount else {
      throw Unreadable("a string has \(string.count) octets, more than \(DNSText.largestStringCount)")
    }
    return string
  }
}
