import DomainVerification
import Foundation
import MailModel
import PeerTesting
import Testing

/// Debian's own interpreter, for which its packages are.
private let python = "/usr/bin/python3"

private let hasAuthres =
  FileManager.default.isExecutableFile(atPath: python)
  && FileManager.default.fileExists(atPath: "/usr/lib/python3/dist-packages/authres")

/// python3-authres reads what we write, and we read what it writes.
@Suite(.enabled(if: hasAuthres, "python3-authres not installed"))
struct AuthenticationResultsPeerTests {
  /// Prints what a header says: a line for the service, one for each method, one for each property.
  private static let reader = """
    import sys, authres
    text = sys.stdin.read().replace("\\r\\n\\t", " ").replace("\\r\\n", "")
    header = authres.AuthenticationResultsHeader.parse(text)
    print(header.authserv_id)
    for result in header.results:
        print(result.method, result.result, result.reason or "-")
        for property in result.properties:
            print(property.type, property.name, property.value)
    """

  @Test func itReadsWhatWeWrite() async throws {
    let sender = try #require(Mailbox("a.b+c@example.com"))
    let name = try #require(DomainName("example.com"))
    let results = AuthenticationResults(
      "mx.example.org", version: 1,
      results: [
        .spf("pass", sender: .mailbox(sender), helo: "mail.example.com"),
        .spf("softfail", reason: "not listed (yet); \"soft\"", sender: .null, helo: "mail.example.com"),
        .dkim(
          "pass", comment: "2048-bit (RSA) key", domain: name, selector: "s._x", algorithm: "rsa-sha256",
          signature: "oINEO8hgn/gnunsg"),
        .init(
          "dmarc", "fail", properties: [.init("header", "from", "example.com"), .init("policy", "dmarc", "reject")]),
      ])
    let said = try await run(python, ["-c", Self.reader], input: results.field)
    #expect(said.status == 0)
    #expect(
      said.output == """
        mx.example.org
        spf pass -
        smtp mailfrom a.b+c@example.com
        spf softfail not listed (yet); \\"soft\\"
        smtp helo mail.example.com
        dkim pass -
        header d example.com
        header s s._x
        header a rsa-sha256
        header b oINEO8hg
        dmarc fail -
        header from example.com
        policy dmarc reject

        """)
  }

  @Test func itReadsNone() async throws {
    let said = try await run(python, ["-c", Self.reader], input: AuthenticationResults("mx.example.org").field)
    #expect(said.status == 0 && said.output == "mx.example.org\n")
  }

  @Test func weReadWhatItWrites() async throws {
    let writer = """
      import authres
      print(authres.AuthenticationResultsHeader(
          authserv_id="mx.example.org", version=1, version_comment="one",
          results=[
              authres.SPFAuthenticationResult(result="pass", smtp_mailfrom="a@example.com", result_comment="a"),
              authres.DKIMAuthenticationResult(
                  result="fail", reason='a "quoted" reason', header_d="example.com", header_i="@example.com"),
              authres.IPRevAuthenticationResult(result="pass", policy_iprev="2001:db8::1"),
          ]))
      """
    let said = try await run(python, ["-c", writer])
    #expect(said.status == 0)
    let section = HeaderSection(Array(said.output.replacing("\n", with: "\r\n").utf8))
    let field = try #require(section.fields.first)
    let results = try AuthenticationResults(parsing: Array(section.octets[field.value]))
    #expect(results.authenticationService == "mx.example.org" && results.version == 1)
    #expect(results.results.map(\.method) == ["spf", "dkim", "iprev"])
    #expect(results.results.map(\.result) == ["pass", "fail", "pass"])
    #expect(results.results.first?["smtp", "mailfrom"] == "a@example.com" && results.results.first?.comment == "a")
    #expect(results.results.dropFirst().first?.reason == "a \"quoted\" reason")
    #expect(results.results.last?["policy", "iprev"] == "2001:db8::1")
  }
}
