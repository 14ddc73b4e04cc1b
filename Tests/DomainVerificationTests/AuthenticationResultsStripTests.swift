import DomainVerification
import MailModel
import Testing

private let ours = "mx.example.org"

/// Whether a field of this value is gone, and the fields around it stay as they are.
private func isStripped(_ value: String, name: String = "Authentication-Results", of service: String = ours) -> Bool {
  let (before, after) = ("Received: by x\r\n", "Subject: Authentication-Results: \(ours); spf=pass\r\n")
  let stripped = HeaderSection(Array("\(before)\(name):\(value)\r\n\(after)".utf8))
    .octets(withoutAuthenticationResultsOf: service)
  let text = String(decoding: stripped, as: UTF8.self)
  if text == before + after { return true }
  #expect(text == "\(before)\(name):\(value)\r\n\(after)")
  return false
}

@Suite struct AuthenticationResultsStripTests {
  @Test(arguments: [
    " mx.example.org; spf=pass", "mx.example.org;none", " MX.Example.ORG; dkim=pass", " mx.example.org 1; dkim=pass",
    "\r\n mx.example.org;\r\n\tdkim=pass", "\r\n\t \r\n mx.example.org ; x=y", " (comment) mx.example.org; x=y",
    " (a;b(c)\\)) mx.example.org (d) 1 (e) ; x=y", " \"mx.example.org\"; x=y", " \"mx.exam\\ple.org\"; x=y",
    " mx.example.org.; x=y", " (mx.example.com; spf=pass) mx.example.org; x=y", " mx.example.org(;); x=y",
  ])
  func oursByTheGrammar(value: String) {
    #expect(isStripped(value))
    #expect(isStripped(value, name: "AUTHENTICATION-RESULTS"))
    #expect(isStripped(value, name: "authentication-results \t"))
  }

  /// What another reader might take for ours.
  @Test(arguments: [
    "", " ", " ;", " ; spf=pass", " mx.example.org", " mx.example.org spf=pass", " mx.example.org, x; spf=pass",
    " mx.example.org/1; x=y",
    " (mx.example.org; spf=pass", " \"mx.example.org; spf=pass", " mx.example.\r\n org; spf=pass",
    " mx.example.org\u{0}; x=y",
    " evil.example mx.example.org; spf=pass", " evil.example; spf=pass".replacing(";", with: ""),
    " =?utf-8?q?mx.example.org?=; x=y",
    " evil.example (mx.example.org); spf=pass", " \"evil mx.example.org\"; x=y", " mx.example.org.evil.example; x=y",
    " <mx.example.org>; x=y", " [mx.example.org]; x=y", " \\mx.example.org; x=y",
    " 1; x=y\u{0}".replacing(";", with: "\r"),
    " mx.example.org\u{B}; x=y", " evil.example\n mx.example.org; x=y", " \"mx.example\r\n .org\"; x=y",
    " evil.example (m\\x.exam\r\n\tple.org); x=y",
  ])
  func whatSomebodyCouldTakeForOurs(value: String) { #expect(isStripped(value)) }

  /// A name need be no domain's.
  @Test(arguments: [" \"a b\"; x=y", " \"\r\n\ta b\"; x=y", " \"a\\ b\"; x=y", " a\r\n b; x=y"])
  func ourNameWithABlankInIt(value: String) { #expect(isStripped(value, of: "a b")) }

  @Test(arguments: [
    " mx.example.com; spf=pass", " example.org; spf=pass", " org; spf=pass", " a.mx.example.org; spf=pass",
    " xmx.example.org; x=y",
    " evil.example; spf=pass (mx.example.org)", " evil.example; x=y reason=\"mx.example.org; spf=pass\"",
    " evil.example 1; none",
    " (comment) \"evil.example\" 1 ; none",
  ])
  func othersStay(value: String) { #expect(!isStripped(value)) }

  @Test func otherFieldsStay() {
    for name in ["X-Authentication-Results", "ARC-Authentication-Results", "Authentication-Result", "Authentication"] {
      #expect(!isStripped(" mx.example.org; spf=pass", name: name))
    }
  }

  /// Names that are none by the grammar, and that some program may read nevertheless, whoever the field names.
  @Test(arguments: [
    "Authentication-Results\r\n ", "Authentication-Results\u{0}", "\u{FEFF}Authentication-Results",
    "Authentication -Results", "authentication-results\u{B}",
  ])
  func namesThatAreNone(name: String) {
    #expect(isStripped(" mx.example.org; spf=pass", name: name))
    #expect(isStripped(" mx.example.com; spf=pass", name: name))
  }

  /// Many programs end a line at a CR or LF alone.
  @Test(arguments: [
    "X: y\nAuthentication-Results", "X: y\r\n z\rauthentication-results ", "X\n\nAuthentication-Results",
  ])
  func linesWithinAField(name: String) { #expect(isStripped(" mx.example.org; spf=pass", name: name)) }

  @Test(arguments: [
    "X: y\nX-Authentication-Results", "X: y\n Authentication-Results", "X: y\r\n Authentication-Results",
  ])
  func linesWithinAFieldThatStay(name: String) { #expect(!isStripped(" mx.example.org; spf=pass", name: name)) }

  /// A first line that begins with a blank would go on with the field that is written above it.
  @Test(arguments: [" ; dkim=pass header.d=bank.example (:)", "\t(:) ; dkim=pass", " X: y\r\n ; dkim=pass"])
  func nothingGoesOnWithOurField(line: String) throws {
    let own = AuthenticationResults(ours, results: [.init("spf", "fail")])
    let others = HeaderSection(Array("\(line)\r\nSubject: x\r\n".utf8))
    let section = HeaderSection(
      Array(own.field.utf8) + others.octets(withoutAuthenticationResultsOf: ours))
    let field = try #require(section.fields.first)
    #expect(try AuthenticationResults(parsing: Array(section.octets[field.value])) == own)
    #expect(section.contains("subject"))
  }

  @Test func internationalNames() {
    #expect(isStripped(" xn--bcher-kva.example; x=y", of: "bücher.example"))
    #expect(isStripped(" BÜcher.example; x=y".lowercased(), of: "xn--bcher-kva.example"))
    #expect(isStripped(" bücher.example; x=y", of: "BÜCHER.example"))
  }

  @Test func aServiceThatIsNoDomain() {
    #expect(isStripped(" Our_Service; x=y", of: "our_service"))
    #expect(!isStripped(" other; x=y", of: "our_service"))
    #expect(!isStripped(" other; x=y", of: ""))
  }

  /// CVE-2022-48521: a filter that counted its fields anew after each removal let every second one through.
  @Test(arguments: [1, 2, 3, 10, 500])
  func allOfThem(count: Int) {
    let fields = (0..<count).map { "Authentication-Results: \(ours); dkim=pass header.d=bank\($0).example\r\n" }
    let other = "Authentication-Results: mx.example.com; spf=fail\r\n"
    for text in [fields.joined(), fields.joined(separator: other), other + fields.joined() + other + fields.joined()] {
      let kept = String(
        decoding: HeaderSection(Array(text.utf8)).octets(withoutAuthenticationResultsOf: ours), as: UTF8.self)
      #expect(!kept.contains(ours))
      #expect(
        kept.count(where: { $0 == "\r\n" }) == text.split(separator: "\r\n").count { $0.contains("mx.example.com") })
    }
  }

  @Test func timeIsLinear() {
    let name = String(repeating: "a", count: 200)
    let value = String(repeating: "a\"", count: 32_000)
    #expect(isStripped(value, of: name))
    #expect(isStripped(" x (" + String(repeating: "a\\ ", count: 20_000) + "; y=z", of: name))
  }

  /// What is written as ours is stripped as ours, whatever our name is.
  @Test(arguments: ["mx.example.org", "a b", "a\"b", "bücher.example", "x;y", "(x)", "1", "a\\b"])
  func whatWeWriteWeStrip(service: String) {
    let field = AuthenticationResults(service, results: [.init("spf", "pass")]).field
    #expect(HeaderSection(Array(field.utf8)).octets(withoutAuthenticationResultsOf: service).isEmpty)
  }
}
