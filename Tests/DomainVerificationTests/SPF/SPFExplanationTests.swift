import DomainVerification
import MailDNS
import SMTPTesting
import Testing

@Suite struct SPFExplanationTests {
  private func explanation(
    _ texts: [DNSRecord], record: String = "v=spf1 -all exp=why.example.com", sender: String = "user@example.com",
    helo: String = "mail.example.net", limits: SPFLimits = .init()
  ) async throws -> String? {
    let dns = try ScriptedDNS(zone: "example.com. TXT \"\(record)\"")
    dns.set(try #require(DNSName("why.example.com")), .txt, texts)
    let evaluation = await SPFEvaluator(resolver: dns, limits: limits).evaluate(
      try SPFCase(sender, "192.0.2.1", helo: helo, .none).request())
    #expect(evaluation.result == .fail)
    #expect(evaluation.lookupCount == 0)
    #expect(evaluation.voidLookupCount == 0)
    return evaluation.explanation
  }

  /// Whatever is wrong with an explanation, `fail` stays, without it (RFC 7208 §6.2).
  @Test(arguments: [
    [], [DNSRecord.text(DNSText("one")), .text(DNSText("two"))], [.text(DNSText("a %{x}"))], [.text(DNSText("a %"))],
    [.text(DNSText("é"))], [.text(DNSText("tab\t"))], [.text(DNSText("a\r\nb"))], [.alias(.root)],
    [.text(DNSText("%{h}"))], [.text(DNSText("%{l}"))],
  ])
  func left(_ texts: [DNSRecord]) async throws {
    #expect(try await explanation(texts, sender: "jürgen@example.com", helo: "a\r\nb") == nil)
  }

  @Test(arguments: [
    "v=spf1 -all exp=%{h}", "v=spf1 -all exp=%{p}.%{l}..example.com", "v=spf1 -all",
    "v=spf1 -all exp=other.example.com",
  ])
  func notFound(_ record: String) async throws {
    #expect(try await explanation([.text(DNSText("words"))], record: record, helo: "a..b") == nil)
  }

  @Test(arguments: [(999, true), (1_000, true), (1_001, false)])
  func size(count: Int, isThere: Bool) async throws {
    let text = String(repeating: "x", count: count)
    #expect(try await explanation([.text(DNSText(text))]) == (isThere ? text : nil))
    #expect(try await explanation([.text(DNSText(String(repeating: "%{s}", count: count)))]) == nil)
  }

  /// It belongs to the record that decided: not to an included one, and behind `redirect` not to the first (RFC 7208 §6.2).
  @Test(arguments: [
    ("i.example.com", "of i"), ("r.example.com", "of target"), ("bare.example.com", nil),
    ("unused.example.com", "of unused"), ("soft.example.com", nil),
  ])
  func owner(_ domain: String, _ expected: String?) async throws {
    let evaluation = try await evaluateSPF(
      """
      i.example.com. TXT "v=spf1 include:target.example.com -all exp=exp.%{d}"
      exp.i.example.com. TXT "of i"
      r.example.com. TXT "v=spf1 exp=exp.%{d} redirect=target.example.com"
      exp.r.example.com. TXT "of r"
      bare.example.com. TXT "v=spf1 exp=exp.r.example.com redirect=noexp.example.com"
      noexp.example.com. TXT "v=spf1 -all"
      unused.example.com. TXT "v=spf1 -all exp=exp.%{d} redirect=target.example.com"
      exp.unused.example.com. TXT "of unused"
      soft.example.com. TXT "v=spf1 ~all exp=exp.r.example.com"
      target.example.com. TXT "v=spf1 -all exp=exp.%{d}"
      exp.target.example.com. TXT "of target"
      """, "user@\(domain)")
    #expect(evaluation.explanation == expected)
  }

  /// RFC 7208 §7.3: the domain itself, else a name below it, else any; `unknown` where none is valid.
  @Test(arguments: [
    ("192.0.2.1", "example.com"), ("192.0.2.2", "b.example.com"), ("192.0.2.3", "other.example"),
    ("192.0.2.4", "unknown"),
    ("192.0.2.5", "unknown"), ("2001:db8::1", "b.example.com"),
  ])
  func validatedName(_ address: String, _ name: String) async throws {
    let evaluation = try await evaluateSPF(
      """
      example.com. TXT "v=spf1 -all exp=why.example.com"
      why.example.com. TXT "%{p}"
      example.com. A 192.0.2.1
      b.example.com. A 192.0.2.1
      b.example.com. A 192.0.2.2
      b.example.com. AAAA 2001:db8::1
      other.example. A 192.0.2.1
      other.example. A 192.0.2.2
      other.example. A 192.0.2.3
      1.2.0.192.in-addr.arpa. PTR other.example.
      1.2.0.192.in-addr.arpa. PTR b.example.com.
      1.2.0.192.in-addr.arpa. PTR example.com.
      2.2.0.192.in-addr.arpa. PTR other.example.
      2.2.0.192.in-addr.arpa. PTR example.com.
      2.2.0.192.in-addr.arpa. PTR b.example.com.
      3.2.0.192.in-addr.arpa. PTR other.example.
      4.2.0.192.in-addr.arpa. PTR example.com.
      1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR b.example.com.
      """, from: address)
    #expect(evaluation.explanation == name)
  }
}
