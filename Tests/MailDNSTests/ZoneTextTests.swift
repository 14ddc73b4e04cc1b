import MailDNS
import MailModel
import SMTPTesting
import Testing

/// Zones written as text.
@Suite struct ZoneTextTests {
  @Test func everyType() async throws {
    let dns = try ScriptedDNS(
      zone: """
        ; a comment
        $TTL 600
        example.com.  IN SOA ns.example.com. admin.example.com. 1 2 3 4 60

        example.com. 120 NS ns.example.com. ; another
          example.com mx 10 mx.example.com.
        example.com.\tIN 30 TXT "v=spf1 a; mx " -all ; "not this"
        MX.example.com. 30 IN A 192.0.2.1
        mx.example.com. 20 IN A 192.0.2.2
        mx.example.com. AAAA ::1
        www.example.com. CNAME mx.example.com.
        1.example.com. PTR .
        _25._tcp.mx.example.com. TLSA 3 1 1 0AfF 00
        $TTL 7
        late.example.com. TXT ""\r
        """)
    func records(_ name: String, _ type: DNSRecordType) async throws -> [String] {
      await dns.resolve(try question(name, type)).records.map(\.description)
    }
    #expect(try await records("example.com", .mx) == ["10 mx.example.com"])
    #expect(try await records("example.com", .txt) == [#""v=spf1 a; mx " "-all""#])
    #expect(try await records("mx.example.com", .a) == ["192.0.2.1", "192.0.2.2"])
    #expect(try await records("www.example.com", .aaaa) == ["::1"])
    #expect(try await records("1.example.com", .ptr) == ["."])
    #expect(try await records("_25._tcp.mx.example.com", .tlsa) == ["3 1 1 0aff00"])
    #expect(try await records("late.example.com", .txt) == [#""""#])
    #expect(await dns.resolve(try question("mx.example.com", .a)).timeToLive == .seconds(20))
    #expect(await dns.resolve(try question("example.com", .mx)).timeToLive == .seconds(600))
    #expect(await dns.resolve(try question("late.example.com")).timeToLive == .seconds(7))
    #expect(await dns.resolve(try question("example.com", .a)) == DNSAnswer(.noRecords, timeToLive: .seconds(60)))
    #expect(await dns.resolve(try question("no.example.com")) == DNSAnswer(.noSuchName, timeToLive: .seconds(60)))
    #expect(await dns.resolve(try question("example.org")) == DNSAnswer(.noSuchName, timeToLive: .seconds(300)))
  }

  /// What a record says of itself can be read again.
  @Test func recordsAreWrittenAsTheyAreRead() async throws {
    let address = try #require(IPAddress("192.0.2.1"))
    let octets = Array(UInt8.min...UInt8.max).dropLast()
    let written: [(DNSRecordType, DNSRecord)] = [
      (.a, .address(address)), (.mx, .mailExchanger(preference: 0, host: .root)),
      (.txt, .text(DNSText(strings: [Array(octets), [], [255]]))), (.ptr, .pointer(try name("a\\.b.\\255"))),
      (.tlsa, .certificate(TLSARecord(usage: 255, selector: 0, matchingType: 9, data: [0, 255]))),
    ]
    let zone = written.map { "x.example. \($0) \($1)" }.joined(separator: "\n")
    let dns = try ScriptedDNS(zone: zone)
    for (type, record) in written { #expect(await dns.resolve(try question("x.example", type)).records == [record]) }
  }

  @Test func aZoneReplacesWhatItNames() async throws {
    let dns = try ScriptedDNS(zone: "a.example. TXT one\na.example. MX 1 .")
    dns.set(try question("b.example"), .temporaryFailure("x"))
    try dns.publish(zone: "a.example. TXT two\nb.example. TXT three")
    #expect(await dns.resolve(try question("a.example")).records == [.text(DNSText("two"))])
    #expect(await dns.resolve(try question("a.example", .mx)).records.count == 1)
    #expect(await dns.resolve(try question("b.example")).records == [.text(DNSText("three"))])
  }

  @Test(arguments: [
    ("a.example. A 192.0.2.256", "\"192.0.2.256\" is no IPv4 address"),
    ("a.example. A ::1", "\"::1\" is no IPv4 address"),
    ("a.example. AAAA 192.0.2.1", "\"192.0.2.1\" is no IPv6 address"), ("a.example. A", "an address is missing"),
    ("a.example. A 192.0.2.1 x", "\"x\" is too much"),
    ("a.example. SPF x", "\"SPF\" is no type that is understood here"),
    ("a.example.", "there is no type"), ("a.example. 300", "there is no type"),
    ("a..example. A 1.2.3.4", "\"a..example.\" is no name"),
    ("a.example. MX 65536 b.", "\"65536\" is more than 65535"), ("a.example. MX ten b.", "\"ten\" is no number"),
    ("a.example. MX 10", "a name is missing"), ("a.example. MX 10 b..", "\"b..\" is no name"),
    ("a.example. TXT", "a string is missing"), ("a.example. TXT \"x", "a quoted string has no end"),
    ("a.example. TXT \"x\"y", "a quoted string is followed by something without a blank"),
    ("a.example. TXT \"x\"\\y", "a quoted string is followed by something without a blank"),
    ("a.example. TXT \\256", "\\256 is no octet"), ("a.example. TXT x\\", "nothing follows a backslash"),
    ("a.example. TXT \(String(repeating: "x", count: 256))", "a string has 256 octets, more than 255"),
    ("a.example. TLSA 3 1 1 0", "the data are no octets in hexadecimal digits"),
    ("a.example. TLSA 3 1 1 0g", "the data are no octets in hexadecimal digits"),
    ("a.example. TLSA 3 1 1", "the data are no octets in hexadecimal digits"),
    ("a.example. TLSA 256 1 1 00", "\"256\" is more than 255"),
    ("$ORIGIN example.", "$ORIGIN is not understood here"), ("@ A 192.0.2.1", "@ is not understood here"),
    ("$TTL", "$TTL is followed by seconds"), ("$TTL x", "$TTL is followed by seconds"),
    ("$TTL 1 2", "something follows the seconds"),
    ("a.example. 2147483648 A 192.0.2.1", "\"2147483648\" is no type that is understood here"),
    ("ok.example. CNAME a.", "ok.example has other records beside an alias"),
    ("alias.example. A 192.0.2.1", "alias.example has other records beside an alias"),
    ("a.example. SOA a. b. 1 2 3 4", "a number is missing"),
  ])
  func aLineThatCannotBeRead(_ line: String, _ message: String) throws {
    let zone = "; one\nok.example. A 192.0.2.1\nalias.example. CNAME ok.example.\n\(line)\nok.example. A 192.0.2.2"
    let dns = ScriptedDNS()
    #expect(throws: ScriptedDNS.ZoneError.self) { try dns.publish(zone: zone) }
    do {
      try dns.publish(zone: zone)
    } catch {
      #expect(error.description == "line 4: \(message)")
    }
  }

  @Test func nothingIsPublishedOfABrokenZone() async throws {
    let dns = ScriptedDNS()
    #expect(throws: ScriptedDNS.ZoneError.self) { try dns.publish(zone: "a.example. TXT x\nb.example. TXT") }
    #expect(await dns.resolve(try question("a.example")).outcome == .noSuchName)
  }

  @Test(arguments: [254, 255]) func longestString(_ count: Int) async throws {
    let dns = try ScriptedDNS(zone: "a.example. TXT \(String(repeating: "\\000", count: count))")
    #expect(
      await dns.resolve(try question("a.example")).records == [
        .text(DNSText(strings: [Array(repeating: 0, count: count)]))
      ])
  }

  @Test func longestTime() async throws {
    let dns = try ScriptedDNS(zone: "a.example. 2147483647 TXT x")
    #expect(await dns.resolve(try question("a.example")).timeToLive == .seconds(2_147_483_647))
  }
}
