import DomainVerification
import MailDNS
import MailModel
import Testing

struct DKIMKeySelectorTests {
  @Test(arguments: [
    "s", "1", "brisbane", "march2005.reykjavik", "a-b", "550e8400-e29b-41d4-a716-446655440000",
    String(repeating: "a", count: 63),
  ])
  func readsSelectors(text: String) throws {
    let selector = try #require(DKIMSelector(text))
    #expect(selector.description == text)
    let domain = try #require(DomainName("example.com"))
    #expect(selector.name(in: domain)?.description == "\(text)._domainkey.example.com")
  }

  @Test(arguments: [
    "", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "a b", "a@b", "a\u{0}", String(repeating: "a", count: 64),
  ])
  func refusesOthers(text: String) { #expect(DKIMSelector(text) == nil) }

  @Test func comparesWithoutCase() {
    #expect(DKIMSelector("Brisbane") == DKIMSelector("brisbane"))
    #expect(DKIMSelector("bücher")?.description == "xn--bcher-kva")
  }

  /// 255 octets as sent, with the one of the root.
  @Test(arguments: [(0, true), (1, true), (2, false)])
  func boundsTheName(more: Int, isName: Bool) throws {
    let label = String(repeating: "a", count: 63)
    // 64 + 64 + 64 + 11 (_domainkey) + 50 + 1 = 254
    let selector = try #require(DKIMSelector("\(label).\(label)"))
    let domain = try #require(DomainName("\(label).\(String(repeating: "b", count: 49 + more))"))
    #expect((selector.name(in: domain) != nil) == isName)
  }
}
