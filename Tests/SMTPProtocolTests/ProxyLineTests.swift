import MailModel
import SMTPProtocol
import Testing

@Suite struct ProxyLineTests {
  private let reader = ProxyHeaderReader()

  /// The first is the specification's own.
  static let valid: [(String, client: String?, local: String?)] = [
    ("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", "192.168.0.1:56324", "192.168.0.11:443"),
    ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535", "255.255.255.255:65535"),
    ("PROXY TCP4 0.0.0.0 1.2.3.4 0 1\r\n", "0.0.0.0:0", "1.2.3.4:1"),
    (
      "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff FFFF:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
      "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"
    ),
    ("PROXY TCP6 2001:db8::1 ::1 1024 587\r\n", "[2001:db8::1]:1024", "[::1]:587"),
    // What inet_ntop makes of an IPv4 client where the family is IPv6: the IPv4 address that it is.
    ("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c000:202 1024 587\r\n", "192.0.2.1:1024", "192.0.2.2:587"),
    ("PROXY UNKNOWN\r\n", nil, nil),
    ("PROXY UNKNOWN \r\n", nil, nil),
    ("PROXY UNKNOWN 192.0.2.1 anything \0 at all\r\n", nil, nil),
    (
      "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
      nil, nil
    ),
  ]

  @Test(arguments: valid) func isRead(line: String, client: String?, local: String?) {
    guard case .header(let facts, let consumed) = reader.read(line + "EHLO c\r\n") else {
      Issue.record("no header")
      return
    }
    #expect(consumed == line.utf8.count)
    #expect(facts.source?.description == client)
    #expect(facts.destination?.description == local)
    #expect(!facts.isLocal)
    #expect(facts == ProxyFacts(source: facts.source, destination: facts.destination))
  }

  @Test(arguments: valid) func everyPrefixIsIncomplete(line: String, client: String?, local: String?) {
    let octets = Array(line.utf8)
    for count in 0..<octets.count { #expect(reader.read(Array(octets.prefix(count))) == .incomplete) }
  }

  /// Each is decided at the last octet given here, and not before.
  @Test(
    arguments: [
      ("E", .signature), ("Q", .signature), ("p", .signature), ("\n", .signature), (" ", .signature),
      ("\u{16}", .signature),
      ("PROXX", .signature), ("PROXY\t", .signature), ("PROXY\r", .signature), ("PROXYT", .signature),
      ("PROXY  ", .addressFamily), ("PROXY t", .addressFamily), ("PROXY TCP5", .addressFamily),
      ("PROXY TCP\r", .addressFamily), ("PROXY TCP4\r", .addressFamily), ("PROXY TCP4\t", .addressFamily),
      ("PROXY TCP44", .addressFamily), ("PROXY UD", .addressFamily), ("PROXY Q", .addressFamily),
      ("PROXY UNKNOWNS", .addressFamily), ("PROXY UNKNOWN\n", .addressFamily), ("PROXY UNKNOWN\t", .addressFamily),
      ("PROXY UNKNOWN x\n", .lineEnd), ("PROXY UNKNOWN x\r ", .lineEnd), ("PROXY UNKNOWN\rx", .lineEnd),
      ("PROXY UNKNOWN x\r\r", .lineEnd),
      ("PROXY TCP4 a", .address), ("PROXY TCP4  ", .address), ("PROXY TCP4 :", .address), ("PROXY TCP4 -", .address),
      ("PROXY TCP4 256.0.0.1 ", .address), ("PROXY TCP4 01.2.3.4 ", .address), ("PROXY TCP4 1.2.3 ", .address),
      ("PROXY TCP4 1.2.3.4.5 ", .address), ("PROXY TCP4 1.2.3.4\r", .address), ("PROXY TCP4 1.2.3.4\n", .address),
      ("PROXY TCP4 1111111111111111", .address), ("PROXY TCP4 1.2.3.4  ", .address),
      ("PROXY TCP4 1.2.3.4 5.6.7.8\r", .address), ("PROXY TCP4 1.2.3.4 :", .address),
      ("PROXY TCP6 g", .address), ("PROXY TCP6 1.2.3.4 ", .address), ("PROXY TCP6 ::1::2 ", .address),
      ("PROXY TCP6 12345:: ", .address), ("PROXY TCP6 1:2:3:4:5:6:7 ", .address), ("PROXY TCP6 ::1%", .address),
      ("PROXY TCP6 [", .address), ("PROXY TCP6 1:2:3:4:5:6:7:8:9 ", .address),
      ("PROXY TCP6 0000000000000000000000000000000000000000000000", .address),
      ("PROXY TCP4 1.2.3.4 5.6.7.8  ", .port), ("PROXY TCP4 1.2.3.4 5.6.7.8 +", .port),
      ("PROXY TCP4 1.2.3.4 5.6.7.8 65536 ", .port), ("PROXY TCP4 1.2.3.4 5.6.7.8 111111", .port),
      ("PROXY TCP4 1.2.3.4 5.6.7.8 00 ", .port), ("PROXY TCP4 1.2.3.4 5.6.7.8 01 ", .port),
      ("PROXY TCP4 1.2.3.4 5.6.7.8 1 \r", .port), ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 ", .port),
      ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", .port), ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r", .lineEnd),
      ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r ", .lineEnd), ("PROXY TCP4 1.2.3.4 5.6.7.8 1 \u{e9}", .port),
    ] as [(String, ProxyHeaderReader.Fault)])
  func isMalformedAtOnce(line: String, fault: ProxyHeaderReader.Fault) {
    // The last scalar above US-ASCII makes two octets, of which the first decides.
    let octets = Array(line.utf8)
    let decisive = octets.firstIndex { $0 >= 0x80 }.map { $0 + 1 } ?? octets.count
    #expect(reader.read(Array(octets.prefix(decisive - 1))) == .incomplete)
    #expect(reader.read(Array(octets.prefix(decisive))) == .malformed(fault))
    #expect(reader.read(octets + Array("\r\n".utf8)) == .malformed(fault))
  }

  /// 107 octets are the most there can be.
  @Test func aLineHasItsLimit() {
    func line(_ count: Int) -> String {
      "PROXY UNKNOWN " + String(repeating: "x", count: count - 16) + "\r\n"
    }
    for count in [106, 107] {
      #expect(reader.read(line(count)) == .header(ProxyFacts(), consumed: count))
      #expect(reader.read(String(line(count).dropLast())) == .incomplete)
    }
    #expect(reader.read(line(108)) == .malformed(.tooLong))
    // The 106th octet is the CR of the longest line, or there is none.
    let text = Array(line(200).utf8)
    #expect(reader.read(Array(text.prefix(105))) == .incomplete)
    #expect(reader.read(Array(text.prefix(106))) == .malformed(.tooLong))
    #expect(reader.read(Array(text.prefix(105)) + [0x0D]) == .incomplete)
    #expect(reader.read(Array(text.prefix(105)) + [0x0D, 0x78]) == .malformed(.tooLong))

    var narrow = ProxyHeaderReader()
    narrow.lineLimit = 20
    #expect(narrow.read(line(20)) == .header(ProxyFacts(), consumed: 20))
    #expect(narrow.read(line(21)) == .malformed(.tooLong))
  }

  @Test(arguments: valid) func noChangeOfAnOctetTraps(line: String, client: String?, local: String?) {
    let octets = Array(line.utf8)
    for index in octets.indices {
      var changed = octets
      for value in UInt8.min...UInt8.max where value != octets[index] {
        changed[index] = value
        switch reader.read(changed) {
        case .header(_, let consumed): #expect(consumed == octets.count)
        case .incomplete: #expect(index >= octets.count - 2)
        case .malformed: break
        }
      }
    }
  }
}
