import MailDNS
import MailModel
import Testing

@testable import DomainVerification

@Suite struct SPFMacroTests {
  /// What a text gives for the sender and the addresses of RFC 7208 §7.4.
  private func expansion(
    _ text: String, address: String = "192.0.2.3", sender: String = "strong-bad@email.example.com"
  ) throws -> String {
    let values = SPFMacroValues(
      request: SPFRequest(
        clientAddress: try #require(IPAddress(address)), senderText: sender, helo: "mx.example.org"),
      domain: Array("email.example.com".utf8)[...], validatedName: Array("mx.example.org".utf8), receiver: nil,
      now: nil)
    let octets = try #require(
      try SPFMacroString(Array(text.utf8)[...], isExplanation: true).text(values, limit: 1_000))
    return String(decoding: octets, as: UTF8.self)
  }

  @Test(arguments: [
    ("%{s}", "strong-bad@email.example.com"), ("%{o}", "email.example.com"), ("%{d}", "email.example.com"),
    ("%{d4}", "email.example.com"), ("%{d3}", "email.example.com"), ("%{d2}", "example.com"), ("%{d1}", "com"),
    ("%{dr}", "com.example.email"), ("%{d2r}", "example.email"), ("%{l}", "strong-bad"), ("%{l-}", "strong.bad"),
    ("%{lr}", "strong-bad"), ("%{lr-}", "bad.strong"), ("%{l1r-}", "strong"),
    ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
    ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
    ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
    ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
    ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
    // Appendix D's way of logging by the DNS.
    (
      "_h.%{h}._l.%{l}._o.%{o}._i.%{i}._spf.%{d}",
      "_h.mx.example.org._l.strong-bad._o.email.example.com._i.192.0.2.3._spf.email.example.com"
    ),
  ])
  func examplesOfSection74(_ text: String, _ expected: String) throws { #expect(try expansion(text) == expected) }

  @Test func theExampleOfSection74InIPv6() throws {
    let expected = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
    #expect(try expansion("%{ir}.%{v}._spf.%{d2}", address: "2001:db8::cb01") == expected)
  }

  @Test(arguments: [
    ("%%%_%-", "% %20"), ("%{p}", "mx.example.org"), ("%{p2}", "example.org"), ("%{c}", "192.0.2.3"),
    ("%{r}", "unknown"), ("%{t}", "unknown"), ("%{S}", "strong-bad%40email.example.com"), ("%{L}", "strong-bad"),
    ("%{D2R}", "example.email"), ("%{d999999999999999999999}", "email.example.com"), ("%{d128}", "email.example.com"),
    ("%{s1-.}", "com"), ("%{o3,}", "email.example.com"), ("%{i_=+}", "192.0.2.3"), ("%{lR-}", "bad.strong"),
    ("%{h2r}", "example.mx"), ("%{s3r-.}", "example.bad@email.strong"), ("", ""),
  ])
  func transformers(_ text: String, _ expected: String) throws { #expect(try expansion(text) == expected) }

  @Test(arguments: [
    "~jack&jill=up-a_b3.c", "a/b", "\"a b\"",
  ])
  func upperCaseEscapesAllButUnreserved(_ localPart: String) throws {
    let expected = localPart.utf8.map { octet in
      "-._~".utf8.contains(octet) || octet.isASCIIAlphanumeric
        ? String(UnicodeScalar(octet)) : "%" + String(octet, radix: 16, uppercase: true)
    }.joined()
    #expect(try expansion("%{L}", sender: "\(localPart)@example.com") == expected)
  }

  private func target(_ spec: String, helo: String) throws -> SPFTarget? {
    let values = SPFMacroValues(
      request: SPFRequest(clientAddress: .v4(0), senderText: "l@example.com", helo: helo),
      domain: Array("example.com".utf8)[...], receiver: nil, now: nil)
    return try SPFMacroString(domainSpec: Array(spec.utf8)[...]).target(values)
  }

  /// RFC 7208 §7.3: labels go from the left until 253 octets are left.
  @Test(arguments: [(252, 252), (253, 253), (254, 249), (255, 249), (256, 249), (5_000, 249)])
  func longNamesLoseLabelsOnTheLeft(count: Int, left: Int) throws {
    // Nine octets and a dot from the right; what is over stands on the left.
    let first = String(repeating: "a", count: (count - 1) % 10 + 1)
    let name = first + String(repeating: ".bbbbbbbbb", count: (count - 1) / 10)
    #expect(name.utf8.count == count)
    #expect(try target("%{h}", helo: name)?.octets.count == left)
  }

  @Test(arguments: [(63, true), (64, false), (241, false), (245, false)])
  func aLongLabelMakesNoName(count: Int, isName: Bool) throws {
    #expect(try (target("%{h}.example", helo: String(repeating: "a", count: count)) != nil) == isName)
  }

  @Test(arguments: [254, 70_000])
  func aLabelThatCannotStayGoes(count: Int) throws {
    let helo = String(repeating: "a", count: count)
    #expect(try target("%{h}.example", helo: helo)?.name == DNSName("example"))
    #expect(try target("%{h}", helo: helo) == nil)
  }

  @Test(arguments: [("mail.%{h}", "mail.h.example"), ("a.example.", "a.example")])
  func theDotAtTheEndOfADomainDoesNotCount(_ spec: String, _ name: String) throws {
    #expect(try target(spec, helo: "h.example.")?.name == DNSName(name))
  }

  @Test func octetsThatNoHostNameHasAreAskedForAsTheyAre() throws {
    #expect(
      try target("a%%b%_c.example.com", helo: "")?.name
        == DNSName(labels: ["a%b c", "example", "com"].map { Array($0.utf8) }))
    #expect(try target("%{h}.com", helo: "a..b") == nil)
  }
}
