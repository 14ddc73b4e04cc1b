import MailDNS
import MailModel
import Testing

@Suite struct DNSRecordTests {
  @Test(arguments: [
    (0, [0]), (1, [1]), (254, [254]), (255, [255]), (256, [255, 1]), (510, [255, 255]), (511, [255, 255, 1]),
  ])
  func aTextIsSplit(_ count: Int, _ counts: [Int]) {
    let text = String(repeating: "x", count: count)
    #expect(DNSText(text).strings.map(\.count) == counts)
    #expect(DNSText(text).description == text)
    #expect(DNSText(strings: [Array(text.utf8)]) == DNSText(text))
  }

  @Test func stringsKeepTheirLimits() {
    #expect(DNSText(strings: []).strings == [[]])
    #expect(DNSText(strings: [[], [1], []]).strings == [[], [1], []])
    let long = DNSText(strings: [[1], Array(repeating: 2, count: 256), [3]])
    #expect(long.strings.map(\.count) == [1, 255, 1, 1])
    #expect(long.octets.count == 258)
    #expect(DNSText(strings: [[0x61], [0x62]]) != DNSText("ab"))
    #expect(DNSText(strings: [[0x61, 0xFF], [0x62]]).description == "a\u{FFFD}b")
  }

  @Test func records() throws {
    let address = try #require(IPAddress("2001:db8::1"))
    let host = try name("mx.example.com")
    let octets: [UInt8] = [0, 0x22, 0x5C, 0x3B, 0x20, 0x7F]
    let written: [(DNSRecord, String)] = [
      (.address(address), "2001:db8::1"), (.alias(host), "mx.example.com"), (.pointer(.root), "."),
      (.mailExchanger(preference: 10, host: host), "10 mx.example.com"),
      (.text(DNSText(strings: [octets, []])), #""\000\"\\; \127" """#),
      (.certificate(TLSARecord(usage: 3, selector: 1, matchingType: 1, data: [0x0F, 0xA0])), "3 1 1 0fa0"),
    ]
    for (record, text) in written { #expect(record.description == text) }
  }

  @Test(arguments: DNSRecordType.allCases) func types(_ type: DNSRecordType) {
    #expect(DNSRecordType(rawValue: type.rawValue) == type)
    #expect(type.description == type.description.uppercased())
  }

  @Test func answers() throws {
    let records = DNSAnswer.text("x")
    #expect(records.records.count == 1 && !records.isVoid && records.failure == nil)
    for outcome in [DNSAnswer.Outcome.noRecords, .noSuchName] {
      #expect(DNSAnswer(outcome).isVoid && DNSAnswer(outcome).failure == nil && DNSAnswer(outcome).records == [])
    }
    for outcome in [DNSAnswer.Outcome.temporaryFailure("why"), .malformed("why")] {
      #expect(!DNSAnswer(outcome).isVoid && DNSAnswer(outcome).failure == "why")
    }
    #expect(try question("Example.com.", .aaaa).description == "example.com AAAA")
  }
}
