import MailDNS
import MailModel
import PeerTesting
import SystemDNS
import Testing

private func name(_ text: String) -> DNSName { DNSName(text) ?? .root }

private func resolver(_ server: NameServer, onIPv6: Bool = false, threads: Int = 32) -> SystemResolver {
  let address: IPAddress = onIPv6 ? .v6(1) : .v4(0x7F00_0001)
  return SystemResolver(.init(nameServers: [.init(address, port: server.port)], threads: threads))
}

/// A zone with what mail asks for.
private let zone = """
  $TTL 300
  @ SOA ns hostmaster 1 7200 3600 1209600 60
  @ NS ns
  ns A 127.0.0.1
  @ MX 10 mx
  @ MX 20 mx.example.net.
  @ TXT "v=spf1 " "-all"
  mx 120 A 192.0.2.1
  mx 60 A 192.0.2.2
  mx AAAA 2001:db8::1
  mapped AAAA ::ffff:192.0.2.1
  none MX 0 .
  1 PTR host
  _25._tcp.mx TLSA 3 1 1 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20
  empty TXT ""
  a.b A 192.0.2.3
  dot\\.and\\032blank TXT "odd"
  *.wild TXT "wild"
  alias CNAME mx
  outside CNAME www.example.org.
  nowhere CNAME missing
  hop0 CNAME hop1
  hop1 CNAME hop2
  hop2 CNAME hop3
  hop3 CNAME hop4
  hop4 CNAME hop5
  hop5 CNAME hop6
  hop6 CNAME hop7
  hop7 CNAME hop8
  hop8 CNAME hop9
  hop9 A 192.0.2.9
  loop1 CNAME loop2
  loop2 CNAME loop1
  """

@Suite("Against nsd", .needs(.nsd)) struct SystemResolverZoneTests {
  @Test("Every type, the root as host, odd names, wildcards") func types() async throws {
    let answers: [(String, DNSRecordType, [DNSRecord], Int)] = [
      (
        "example.com", .mx,
        [
          .mailExchanger(preference: 10, host: name("mx.example.com")),
          .mailExchanger(preference: 20, host: name("mx.example.net")),
        ], 300
      ),
      ("EXAMPLE.com", .txt, [.text(DNSText(strings: [Array("v=spf1 ".utf8), Array("-all".utf8)]))], 300),
      ("mx.example.com", .aaaa, [.address(.v6(0x2001_0DB8_0000_0000_0000_0000_0000_0001))], 300),
      ("mapped.example.com", .aaaa, [.address(.v6(0xFFFF_C000_0201))], 300),
      ("none.example.com", .mx, [.mailExchanger(preference: 0, host: .root)], 300),
      ("1.example.com", .ptr, [.pointer(name("host.example.com"))], 300),
      (
        "_25._tcp.mx.example.com", .tlsa,
        [.certificate(TLSARecord(usage: 3, selector: 1, matchingType: 1, data: Array(1...32)))], 300
      ),
      ("empty.example.com", .txt, [.text(DNSText(strings: [[]]))], 300),
      ("alias.example.com", .cname, [.alias(name("mx.example.com"))], 300),
      ("dot\\046and\\032blank.example.com", .txt, [.text(DNSText("odd"))], 300),
      ("any\\000thing\\255.wild.example.com", .txt, [.text(DNSText("wild"))], 300),
    ]
    try await withNameServer(zones: ["example.com": zone]) { server in
      let resolver = resolver(server)
      for (owner, type, records, seconds) in answers {
        let answer = await resolver.resolve(DNSQuestion(name(owner), type))
        #expect(Set(answer.records) == Set(records), "\(owner) \(type): \(answer)")
        #expect(answer.records.count == records.count)
        #expect(answer.timeToLive == .seconds(seconds))
        #expect(!answer.isAuthenticated && answer.aliases.isEmpty)
      }
    }
  }

  @Test("What is not there, and how long that may be kept") func negative() async throws {
    try await withNameServer(zones: ["example.com": zone]) { server in
      let resolver = resolver(server)
      for owner in ["example.com", "b.example.com"] {
        #expect(await resolver.resolve(DNSQuestion(name(owner), .a)) == DNSAnswer(.noRecords, timeToLive: .seconds(60)))
      }
      let missing = await resolver.resolve(DNSQuestion(name("missing.example.com"), .a))
      #expect(missing == DNSAnswer(.noSuchName, timeToLive: .seconds(60)))
      #expect(
        await resolver.resolve(DNSQuestion(name("nowhere.example.com"), .a))
          == DNSAnswer(.noSuchName, timeToLive: .seconds(60), aliases: [name("missing.example.com")]))
      // Not a zone of this server.
      let foreign = await resolver.resolve(DNSQuestion(name("example.org"), .a))
      #expect(foreign.failure?.contains("REFUSED") == true)
    }
  }

  @Test("Aliases, also into another zone, to a limit and in a circle") func aliases() async throws {
    let other = "www A 192.0.2.7"
    try await withNameServer(zones: ["example.com": zone, "example.org": other]) { server in
      let resolver = resolver(server)
      let near = await resolver.resolve(DNSQuestion(name("alias.example.com"), .a))
      #expect(Set(near.records) == [.address(.v4(0xC000_0201)), .address(.v4(0xC000_0202))])
      #expect(near.aliases == [name("mx.example.com")])

      let far = await resolver.resolve(DNSQuestion(name("outside.example.com"), .a))
      #expect(far.records == [.address(.v4(0xC000_0207))])
      #expect(far.aliases == [name("www.example.org")])

      // hop9 has the address: hop2 is seven aliases away, hop1 eight, hop0 nine.
      for (start, count) in [("hop2", 7), ("hop1", 8)] {
        let answer = await resolver.resolve(DNSQuestion(name("\(start).example.com"), .a))
        #expect(answer.records == [.address(.v4(0xC000_0209))] && answer.aliases.count == count, "\(answer)")
      }
      let long = await resolver.resolve(DNSQuestion(name("hop0.example.com"), .a))
      #expect(long.failure?.contains("more than 8 aliases") == true, "\(long)")
      let circle = await resolver.resolve(DNSQuestion(name("loop1.example.com"), .a))
      #expect(circle.failure?.contains("circle") == true, "\(circle)")
    }
  }

  @Test("64 KiB of text come over TCP") func large() async throws {
    let text = String(repeating: "x", count: 250)
    // 65,535 octets are what a message can carry: 249 records of 263 octets, compressed.
    let records = (0..<245).map { index in "big TXT \"\(text)\" \"\(index)\"" }
    try await withNameServer(zones: ["example.com": records.joined(separator: "\n")]) { server in
      let answer = await resolver(server).resolve(DNSQuestion(name("big.example.com"), .txt))
      #expect(answer.records.count == 245)
      let expected = (0..<245).map { DNSRecord.text(DNSText(strings: [Array(text.utf8), Array("\($0)".utf8)])) }
      #expect(Set(answer.records) == Set(expected))

      var configuration = resolver(server).configuration
      configuration.largestAnswer = 60_000
      let small = await SystemResolver(configuration).resolve(DNSQuestion(name("big.example.com"), .txt))
      #expect(small.failure?.contains("larger than is read, 60000 octets") == true, "\(small.outcome)")
    }
  }

  @Test("Five hundred at once on eight threads") func manyAtOnce() async throws {
    try await withNameServer(zones: ["example.com": zone]) { server in
      let resolver = resolver(server, threads: 8)
      let answers = await withTaskGroup(of: (Int, DNSAnswer).self) { group in
        for index in 0..<500 {
          group.addTask {
            (
              index,
              await resolver.resolve(
                DNSQuestion(name("x\(index).wild.example.com"), index.isMultiple(of: 2) ? .txt : .a))
            )
          }
        }
        return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
      }
      #expect(answers.count == 500)
      for (index, answer) in answers {
        #expect(answer.outcome == (index.isMultiple(of: 2) ? .records([.text(DNSText("wild"))]) : .noRecords))
      }
    }
  }

  @Test("Over IPv6") func ipv6() async throws {
    try await withNameServer(zones: ["example.com": zone]) { server in
      try #require(server.servesIPv6)
      let answer = await resolver(server, onIPv6: true).resolve(DNSQuestion(name("mapped.example.com"), .aaaa))
      #expect(answer.records.count == 1)
    }
  }
}
