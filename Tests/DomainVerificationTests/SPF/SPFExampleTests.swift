import DomainVerification
import MailModel
import PeerTesting
import SMTPTesting
import SystemDNS
import Testing

/// The examples of RFC 7208, each against a DNS in memory and against a real name server.
@Suite struct SPFExampleTests {
  @Test(arguments: SPFScenario.examples)
  func scripted(_ scenario: SPFScenario) async throws { try await scenario.check(try ScriptedDNS(zone: scenario.zone)) }

  @Test(.needs(.nsd), .serialized, arguments: SPFScenario.examples)
  func nameServer(_ scenario: SPFScenario) async throws {
    try await withNameServer(zones: [".": scenario.zone]) { server in
      let address = try #require(SystemResolver.NameServer(server.endpoint))
      try await scenario.check(SystemResolver(.init(nameServers: [address])))
    }
  }
}

extension SPFScenario {
  /// The zone of RFC 7208, appendix A.
  private static let appendix = """
    example.com. MX 10 mail-a.example.com.
    example.com. MX 20 mail-b.example.com.
    example.com. A 192.0.2.10
    example.com. A 192.0.2.11
    amy.example.com. A 192.0.2.65
    bob.example.com. A 192.0.2.66
    mail-a.example.com. A 192.0.2.129
    mail-b.example.com. A 192.0.2.130
    www.example.com. CNAME example.com.
    example.org. MX 10 mail-c.example.org.
    mail-c.example.org. A 192.0.2.140
    10.2.0.192.in-addr.arpa. PTR example.com.
    11.2.0.192.in-addr.arpa. PTR example.com.
    65.2.0.192.in-addr.arpa. PTR amy.example.com.
    66.2.0.192.in-addr.arpa. PTR bob.example.com.
    129.2.0.192.in-addr.arpa. PTR mail-a.example.com.
    130.2.0.192.in-addr.arpa. PTR mail-b.example.com.
    140.2.0.192.in-addr.arpa. PTR mail-c.example.org.
    4.0.0.10.in-addr.arpa. PTR bob.example.com.

    """

  /// A record of `example.com` in that zone: these addresses pass, these do not.
  private static func appendix(_ record: String, pass: [String], fail: [String]) -> SPFScenario {
    SPFScenario(
      "A.1: \(record)", zone: appendix + "example.com. TXT \"\(record)\"\n",
      pass.map { SPFCase("user@example.com", $0, .pass) } + fail.map { SPFCase("user@example.com", $0, .fail) })
  }

  static let examples: [SPFScenario] =
    simple + [
      SPFScenario(
        "A.2: several domains",
        zone: appendix + """
          example.org. TXT "v=spf1 include:example.com include:example.net -all"
          example.com. TXT "v=spf1 mx -all"
          example.net. TXT "v=spf1 ip4:198.51.100.0/24 -all"
          la.example.org. TXT "v=spf1 redirect=example.org"
          """,
        [
          SPFCase("user@la.example.org", "192.0.2.129", .pass), SPFCase("user@la.example.org", "198.51.100.7", .pass),
          SPFCase("user@example.org", "192.0.2.130", .pass), SPFCase("user@la.example.org", "192.0.2.140", .fail),
        ]),
      SPFScenario(
        "A.3: in the style of a DNSBL",
        zone: appendix + """
          example.com. TXT "v=spf1 mx include:mobile-users._spf.%{d} include:remote-users._spf.%{d} -all"
          mobile-users._spf.example.com. TXT "v=spf1 exists:%{l1r+}.%{d}"
          remote-users._spf.example.com. TXT "v=spf1 exists:%{ir}.%{l1r+}.%{d}"
          mary.mobile-users._spf.example.com. A 127.0.0.2
          fred.mobile-users._spf.example.com. A 127.0.0.2
          15.15.168.192.joel.remote-users._spf.example.com. A 127.0.0.2
          16.15.168.192.joel.remote-users._spf.example.com. A 127.0.0.2
          """,
        [
          SPFCase("mary@example.com", "203.0.113.9", .pass), SPFCase("fred+tag@example.com", "203.0.113.9", .pass),
          SPFCase("joel@example.com", "192.168.15.15", .pass), SPFCase("joel@example.com", "192.168.15.16", .pass),
          SPFCase("joel@example.com", "192.168.15.17", .fail), SPFCase("eve@example.com", "192.168.15.15", .fail),
          SPFCase("eve@example.com", "192.0.2.129", .pass),
        ]),
      SPFScenario(
        "A.4: several requirements",
        zone: appendix + """
          example.com. TXT "v=spf1 -include:ip4._spf.%{d} -include:ptr._spf.%{d} +all"
          ip4._spf.example.com. TXT "v=spf1 -ip4:192.0.2.0/24 +all"
          ptr._spf.example.com. TXT "v=spf1 -ptr:example.com +all"
          """,
        [
          SPFCase("user@example.com", "192.0.2.65", .pass), SPFCase("user@example.com", "192.0.2.140", .fail),
          SPFCase("user@example.com", "10.0.0.4", .fail),
        ]),
      SPFScenario(
        "3.3: strings are joined without blanks",
        zone: """
          example.com. TXT "v=spf1 ip4:192.0.2" ".1 -all"
          split.example. TXT "v=sp" "f1" " ip4:192.0.2.1 -all"
          """,
        [SPFCase("user@example.com", "192.0.2.1", .pass), SPFCase("user@split.example", "192.0.2.1", .pass)]),
      SPFScenario(
        "5.2: include",
        zone: """
          example.com. TXT "v=spf1 include:example.net -all"
          soft.example. TXT "v=spf1 ?include:example.net -all"
          example.net. TXT "v=spf1 ip4:192.0.2.1 -all"
          """,
        [
          SPFCase("user@example.com", "192.0.2.1", .pass), SPFCase("user@example.com", "192.0.2.2", .fail),
          SPFCase("user@soft.example", "192.0.2.1", .neutral),
        ]),
      SPFScenario(
        "5.3: addresses near those of a host",
        zone: """
          example.com. TXT "v=spf1 a:colo.example.com/28 a:www.example.com/24//64 -all"
          colo.example.com. A 192.0.2.16
          www.example.com. A 198.51.100.1
          www.example.com. AAAA 2001:db8:0:1::1
          """,
        [
          SPFCase("user@example.com", "192.0.2.31", .pass), SPFCase("user@example.com", "192.0.2.32", .fail),
          SPFCase("user@example.com", "198.51.100.255", .pass), SPFCase("user@example.com", "2001:db8:0:1::ff", .pass),
          SPFCase("user@example.com", "2001:db8:0:2::1", .fail),
          SPFCase("user@example.com", "::ffff:198.51.100.9", .pass),
        ]),
      SPFScenario(
        "5.7: exists, a name for each user",
        zone: """
          example.com. TXT "v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} -all"
          3.2.0.192.strong._spf.example.com. A 127.0.0.2
          """,
        [
          SPFCase("strong-bad@example.com", "192.0.2.3", .pass), SPFCase("bad-strong@example.com", "192.0.2.3", .fail),
          SPFCase("strong+bad@example.com", "192.0.2.3", .pass),
        ]),
      SPFScenario(
        "6.1: redirect",
        zone: appendix + """
          la.example.com. TXT "v=spf1 redirect=_spf.example.com"
          ny.example.com. TXT "v=spf1 redirect=_spf.example.com"
          sf.example.com. TXT "v=spf1 redirect=_spf.example.com"
          _spf.example.com. TXT "v=spf1 mx:example.com -all"
          ignored.example.com. TXT "v=spf1 redirect=_spf.example.com ~all"
          """,
        ["la", "ny", "sf"].map { SPFCase("user@\($0).example.com", "192.0.2.129", .pass) } + [
          SPFCase("user@la.example.com", "192.0.2.1", .fail),
          SPFCase("user@ignored.example.com", "192.0.2.129", .softfail),
        ]),
      SPFScenario(
        "6.2: explanations",
        zone: """
          example.com. TXT "v=spf1 -all exp=explain._spf.%{d}"
          explain._spf.example.com. TXT "See http://%{d}/why.html?s=%{S}&i=%{I}"
          one.example. TXT "v=spf1 -all exp=explain.%{d}"
          explain.one.example. TXT "%{i} is not one of %{d}'s designated mail servers."
          two.example. TXT "v=spf1 -all exp=explain.%{d}"
          explain.two.example. TXT "Mail from two.example " "should only be sent by its own servers."
          three.example. TXT "v=spf1 ?ip4:192.0.2.9 -all exp=explain.%{d}"
          explain.three.example. TXT "%{c} %{r} %{t} %{h} %%%_%-"
          """,
        [
          SPFCase(
            "user@example.com", "192.0.2.1", .fail,
            explanation: "See http://example.com/why.html?s=user%40example.com&i=192.0.2.1"),
          SPFCase(
            "user@one.example", "192.0.2.1", .fail,
            explanation: "192.0.2.1 is not one of one.example's designated mail servers."),
          SPFCase(
            "user@two.example", "192.0.2.1", .fail,
            explanation: "Mail from two.example should only be sent by its own servers."),
          SPFCase(
            "user@three.example", "2001:db8::1", .fail,
            explanation: "2001:db8::1 mx.receiver.example 1234567 mail.example.net % %20"),
          SPFCase("user@three.example", "192.0.2.9", .neutral),
        ]),
      SPFScenario(
        "2.4, 4.3: HELO in the place of a null sender, postmaster in that of a local part",
        zone: """
          mail.example.net. TXT "v=spf1 exists:%{l}.%{o}.who.example -all"
          postmaster.mail.example.net.who.example. A 127.0.0.2
          """,
        [
          SPFCase("", "192.0.2.1", .pass), SPFCase("@mail.example.net", "192.0.2.1", .pass),
          SPFCase("mail.example.net", "192.0.2.1", .pass), SPFCase("user@mail.example.net", "192.0.2.1", .fail),
          SPFCase("", "192.0.2.1", helo: "localhost", .none), SPFCase("", "192.0.2.1", helo: "[192.0.2.1]", .none),
        ]),
    ]

  private static let simple = [
    appendix("v=spf1 +all", pass: ["203.0.113.1", "192.0.2.10", "2001:db8::1"], fail: []),
    appendix("v=spf1 a -all", pass: ["192.0.2.10", "192.0.2.11"], fail: ["192.0.2.12", "192.0.2.129"]),
    appendix("v=spf1 a:www.example.com -all", pass: ["192.0.2.10", "192.0.2.11"], fail: ["192.0.2.12"]),
    appendix("v=spf1 a:example.org -all", pass: [], fail: ["192.0.2.10", "192.0.2.140"]),
    appendix("v=spf1 mx -all", pass: ["192.0.2.129", "192.0.2.130"], fail: ["192.0.2.10", "192.0.2.140"]),
    appendix("v=spf1 mx:example.org -all", pass: ["192.0.2.140"], fail: ["192.0.2.129"]),
    appendix(
      "v=spf1 mx mx:example.org -all", pass: ["192.0.2.129", "192.0.2.130", "192.0.2.140"], fail: ["192.0.2.10"]),
    appendix(
      "v=spf1 mx/30 mx:example.org/30 -all",
      pass: ["192.0.2.128", "192.0.2.131", "192.0.2.140", "192.0.2.143"],
      fail: ["192.0.2.127", "192.0.2.132", "192.0.2.144"]),
    appendix("v=spf1 ptr -all", pass: ["192.0.2.65", "192.0.2.10"], fail: ["192.0.2.140", "10.0.0.4"]),
    appendix("v=spf1 ip4:192.0.2.128/28 -all", pass: ["192.0.2.129", "192.0.2.143"], fail: ["192.0.2.65"]),
  ]
}
