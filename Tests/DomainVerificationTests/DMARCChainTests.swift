import DomainVerification
import MailDNS
import MailModel
import SMTPTesting
import Testing

/// From a signed message to what is written into it about it.
@Suite struct DMARCChainTests {
  @Test(arguments: [
    ("a signed message", "pass", "dkim=pass header.d=example.com"), ("a changed message", "fail", "dkim=fail"),
  ])
  func signaturesSpeakForTheirDomain(what: String, result: String, written: String) async throws {
    let domain = try DKIMTestDomain { _ in }
    domain.dns.set(try #require(DNSName("_dmarc.example.com")), texts: "v=DMARC1; p=reject; adkim=s")
    var message = try await domain.sign(DKIMTest.plain)
    if result == "fail" { message += Array("More.\r\n".utf8) }
    let dkim = await DKIMTest.verify(message, domain.dns)
    let from = try #require(AuthorDomain(DKIMTest.split(message).header).domain)
    let dmarc = await DMARCEvaluator(resolver: domain.dns).evaluate(DMARCRequest(from: from, spf: nil, dkim: dkim))
    #expect(dmarc.result.rawValue == result && dmarc.request.identifiers.count == dkim.signatures.count)
    let results = AuthenticationResults("mx.example.org", results: dkim.signatures.map { .dkim($0) } + [.dmarc(dmarc)])
    let section = HeaderSection(Array(results.field.utf8))
    let field = try #require(section.fields.first)
    #expect(try AuthenticationResults(parsing: Array(section.octets[field.value])) == results)
    #expect(results.field.replacing("\r\n\t", with: " ").contains(written))
    #expect(results.results.first?["header", "b"]?.count == 8 && results.results.last?.method == "dmarc")
  }

  @Test func resultsAndTheirDomains() throws {
    let name = try #require(DomainName("example.com"))
    let request = DMARCRequest(from: name, spf: (.softfail, name), dkim: [(.pass, name), (.temperror, name)])
    #expect(
      request.identifiers.map(\.description) == [
        "spf=softfail of example.com", "dkim=pass of example.com", "dkim=temperror of example.com",
      ])
    #expect(DMARCRequest(from: name, spf: nil, dkim: nil).identifiers.isEmpty)
  }
}
