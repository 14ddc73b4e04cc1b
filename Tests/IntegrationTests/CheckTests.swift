import Foundation
import PeerTesting
import Testing

/// `submission-server check …` against the zones of a real name server: each finding, its first word and its exit status.
@Suite(.needs(.nsd)) struct CheckTests {
  // MARK: SPF

  private static let spf = """
    $TTL 300
    pass     TXT "v=spf1 ip4:192.0.2.0/24 -all"
    soft     TXT "v=spf1 ~all"
    neutral  TXT "v=spf1 ?all"
    none     TXT "something else"
    two      TXT "v=spf1 -all"
    two      TXT "v=spf1 ~all"
    broken   TXT "v=spf1 ip4:192.0.2.300 -all"
    everyone TXT "v=spf1 +all"
    wide     TXT "v=spf1 ip4:192.0.0.0/4 -all"
    ptr      TXT "v=spf1 ptr ip4:192.0.2.0/24 -all"
    loop     TXT "v=spf1 include:loop2.spf.test -all"
    loop2    TXT "v=spf1 include:loop.spf.test -all"
    void     TXT "v=spf1 a:v1.spf.test a:v2.spf.test a:v3.spf.test -all"
    lookups  TXT "v=spf1 a:h.spf.test a:h.spf.test a:h.spf.test a:h.spf.test a:h.spf.test a:h.spf.test a:h.spf.test a:h.spf.test a:h.spf.test a:h.spf.test a:h.spf.test -all"
    h        A   198.51.100.1
    hosts    TXT "v=spf1 mx -all"
    \((0...10).map { "hosts MX 10 m\($0).spf.test." }.joined(separator: "\n"))
    failing  TXT "v=spf1 include:elsewhere.example -all"
    why      TXT "v=spf1 exp=why2.spf.test -all"
    why2     TXT "%{i} is not one of ours"
    """

  @Test(
    arguments: [
      ("pass", "pass", 0, nil), ("soft", "softfail", 1, "not-authorized"), ("why", "fail", 1, "not-authorized"),
      ("neutral", "neutral", 1, "no-statement"), ("none", "none", 1, "no-record"),
      ("nowhere", "none", 1, "name-not-found"),
      ("two", "permerror", 1, "several-records"), ("broken", "permerror", 1, "syntax"),
      ("everyone", "pass", 0, "authorizes-everybody"), ("wide", "pass", 0, "wide-network"),
      ("ptr", "pass", 0, "ptr-mechanism"), ("loop", "permerror", 1, "loop"),
      ("void", "permerror", 1, "too-many-void-lookups"), ("lookups", "permerror", 1, "too-many-lookups"),
      ("hosts", "permerror", 1, "too-many-hosts"), ("failing", "temperror", 75, "dns-failure"),
    ] as [(String, String, Int32, String?)])
  func senderPolicy(_ name: String, result: String, status: Int32, code: String?) async throws {
    try await withNameServer(zones: ["spf.test": Self.spf]) { server in
      let arguments = ["spf", "--ip", "192.0.2.1", "--sender", "user@\(name).spf.test"]
      let text = try await check(arguments, server)
      #expect(text.output.hasPrefix("\(result) ") && text.status == status, "\(text)")
      #expect(code.map { text.output.contains(" \($0) at ") } ?? !text.output.contains(" at "), "\(text)")
      let json = try await check(arguments + ["--json"], server)
      #expect(json.status == status)
      let report = try JSONDecoder().decode(Report.self, from: Data(json.output.utf8))
      #expect(report.result == result)
      #expect(report.report.findings.map(\.code).contains(code ?? "") == (code != nil), "\(json)")
      #expect(report.report.findings.allSatisfy { $0.nextStep.hasSuffix(".") && $0.message.contains(".") }, "\(json)")
      #expect(report.report.lookups.count <= 111 && !report.report.lookups.isEmpty)
    }
  }

  @Test func theColumnAndTheDomainsWordsAreTold() async throws {
    try await withNameServer(zones: ["spf.test": Self.spf]) { server in
      let broken = try await check(["spf", "--ip", "192.0.2.1", "--sender", "broken.spf.test"], server)
      #expect(broken.output.contains("olumn 12"), "\(broken)")
      let why = try await check(["spf", "--ip", "192.0.2.1", "--sender", "why.spf.test"], server)
      #expect(why.output.contains("192.0.2.1 is not one of ours"), "\(why)")
      let helo = try await check(
        ["spf", "--ip", "192.0.2.1", "--sender", "", "--helo", "pass.spf.test"], server)
      #expect(helo.output.hasPrefix("pass 192.0.2.1 for postmaster@pass.spf.test"), "\(helo)")
    }
  }

  @Test(arguments: [
    (["spf", "--ip", "192.0.2", "--sender", "a@b.test"], "neither an IPv4 nor an IPv6 address"),
    (["spf", "--ip", "192.0.2.1", "--sender", ""], "--helo"),
    (["spf", "--ip", "192.0.2.1", "--sender", "a@b.test", "--dns", "b.test"], "no name server"),
    (["spf", "--ip", "192.0.2.1", "--sender", "a@b.test", "--dns-timeout", "0"], "1 to 30"),
    (["dkim", "/nowhere/at/all"], "cannot be read"), (["dmarc"], "--from"), (["domain", "a_b..c"], "no domain name"),
    (["domain", "b.test", "--key", "/etc/passwd"], "holds no key"),
    (["domain", "b.test", "--selector", "-"], "no selector"),
    (["dmarc", "--from", "b.test", "--spf", "pass"], "no result and domain"),
  ])
  func whatCannotBeReadIsSaid(_ arguments: [String], words: String) async throws {
    let result = try await run(try DemoServer.executable(), ["check"] + arguments)
    #expect(result.status == 64 && result.output.contains(words), "\(result)")
  }

  // MARK: DKIM

  @Test(.needs(.dkimsign, .openssl)) func signatures() async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let key = folder + "/key.pem"
    let value = try await publicKey(bits: 2048, in: key)
    let message = [
      "From: user@dkim.test", "To: somebody@example.net", "Subject: signed by others",
      "Date: Mon, 23 Nov 2026 05:00:00 +0000", "Message-ID: <1@dkim.test>", "", "The body.", "",
    ].joined(separator: "\r\n")
    let signed = try await run(.dkimsign, ["good", "dkim.test", key], input: message)
    #expect(signed.status == 0 && signed.output.contains("DKIM-Signature"), "\(signed)")
    let zone = """
      good._domainkey TXT \(Self.quoted("v=DKIM1; k=rsa; p=\(value)"))
      _dmarc TXT "v=DMARC1; p=reject"
      """
    try await withNameServer(zones: ["dkim.test": zone, "test": "@ A 192.0.2.9"]) { server in
      func lines(_ text: String) async throws -> (first: String, result: CommandResult) {
        let path = folder + "/message.eml"
        try Data(text.utf8).write(to: URL(filePath: path))
        let result = try await check(["dkim", path], server)
        return (String(result.output.prefix { $0 != "\n" && $0 != "\r\n" }), result)
      }
      let good = try await lines(signed.output)
      #expect(good.first == "pass d=dkim.test s=good a=rsa-sha256 (2048 bits)" && good.result.status == 0, "\(good)")
      let unix = try await lines(signed.output.replacingOccurrences(of: "\r\n", with: "\n"))
      #expect(unix.first == good.first)
      let body = try await lines(signed.output.replacingOccurrences(of: "The body", with: "Another body"))
      #expect(
        body.first.hasPrefix("fail ") && body.first.hasSuffix(" body-changed") && body.result.status == 1, "\(body)")
      let header = try await lines(signed.output.replacingOccurrences(of: "signed by others", with: "forged by others"))
      #expect(header.first.hasPrefix("fail ") && header.first.hasSuffix(" signature-mismatch"), "\(header)")
      let missing = try await lines(signed.output.replacingOccurrences(of: "s=good", with: "s=gone"))
      #expect(missing.first.hasPrefix("permerror ") && missing.first.hasSuffix(" key-missing"), "\(missing)")
      let failing = try await lines(
        signed.output.replacingOccurrences(of: "=dkim.test", with: "=dkim.example")
          .replacingOccurrences(of: "=@dkim.test", with: "=@dkim.example"))
      #expect(failing.first.hasPrefix("temperror ") && failing.result.status == 75, "\(failing)")
      let none = try await lines(message)
      #expect(none.first == "none" && none.result.output.contains("no-signature") && none.result.status == 1, "\(none)")
      _ = try await lines(signed.output)
      let aligned = try await check(["dmarc", "--message", folder + "/message.eml", "--json"], server)
      #expect(aligned.output.contains("\"result\":\"pass\"") && aligned.status == 0, "\(aligned)")
      let stranger = try await check(["dmarc", "--from", "b.dkim.test", "--message", folder + "/message.eml"], server)
      #expect(stranger.output.hasPrefix("pass b.dkim.test"), "\(stranger)")
    }
  }

  // MARK: DMARC

  private static let dmarc = """
    @               A   192.0.2.1
    _dmarc          TXT "v=DMARC1; p=reject; rua=mailto:reports@policy.test"
    _dmarc.open     TXT "v=DMARC1; p=none"
    _dmarc.broken   TXT "v=DMARC1; p=maybe"
    _dmarc.two      TXT "v=DMARC1; p=reject"
    _dmarc.two      TXT "v=DMARC1; p=none"
    """

  @Test(
    arguments: [
      (["--from", "policy.test", "--spf", "pass=policy.test"], "pass", 0, nil),
      (["--from", "policy.test", "--dkim", "pass=mail.policy.test"], "pass", 0, nil),
      (["--from", "policy.test", "--dkim", "pass=example.net"], "fail", 1, "not-aligned"),
      (["--from", "open.policy.test", "--dkim", "pass=open.policy.test"], "pass", 0, "policy-none"),
      (["--from", "broken.policy.test", "--spf", "pass=broken.policy.test"], "permerror", 1, "syntax"),
      (["--from", "example.org"], "temperror", 75, "dns-failure"),
    ] as [([String], String, Int32, String?)])
  func alignment(_ arguments: [String], result: String, status: Int32, code: String?) async throws {
    try await withNameServer(zones: ["policy.test": Self.dmarc, "test": "@ A 192.0.2.9"]) { server in
      let text = try await check(["dmarc"] + arguments, server)
      #expect(text.output.hasPrefix("\(result) ") && text.status == status, "\(text)")
      if let code { #expect(text.output.contains(" \(code) at "), "\(text)") }
    }
  }

  @Test(arguments: [
    ("To: a@policy.test\r\n\r\n", "there is none"), ("From: nobody\r\n\r\n", "there is no address"),
    ("From: a@policy.test\r\nFrom: b@policy.test\r\n\r\n", "there are 2 of them"),
    ("From: a@policy.test\r\nno field\r\nFrom: b@policy.test\r\n\r\n", "ends at a line that is no field"),
    ("From: a@policy.test\r\nX: y\rFrom: b@policy.test\r\n\r\n", "there are 2 of them"),
  ])
  func aMessageWithoutAnAuthor(_ message: String, words: String) async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(message.utf8).write(to: URL(filePath: folder + "/message.eml"))
    try await withNameServer(zones: ["policy.test": Self.dmarc]) { server in
      let text = try await check(["dmarc", "--message", folder + "/message.eml"], server)
      #expect(text.output.hasPrefix("none\n  failure  header-from at From: ") && text.status == 1, "\(text)")
      #expect(text.output.contains(words), "\(text)")
      let json = try await check(["dmarc", "--message", folder + "/message.eml", "--json"], server)
      #expect(json.status == 1)
      let report = try JSONDecoder().decode(Report.self, from: Data(json.output.utf8))
      #expect(report.result == "none" && report.report.findings.map(\.code) == ["header-from"], "\(json)")
    }
  }

  @Test func theListOfPublicSuffixesIsTaken() async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data("test\n".utf8).write(to: URL(filePath: folder + "/list"))
    try await withNameServer(zones: ["policy.test": Self.dmarc]) { server in
      let text = try await check(
        ["dmarc", "--from", "a.b.policy.test", "--spf", "pass=policy.test", "--public-suffixes", folder + "/list"],
        server)
      #expect(text.output.hasPrefix("pass ") && text.output.contains("organisation's domain  policy.test"), "\(text)")
    }
  }

  // MARK: A domain

  @Test(.needs(.openssl)) func keysOfADomain() async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let ours = try await publicKey(bits: 2048, in: folder + "/ours.pem")
    let other = try await publicKey(bits: 2048, in: folder + "/other.pem")
    let short = try await publicKey(bits: 512, in: folder + "/short.pem")
    let zone = """
      $TTL 300
      @ A 192.0.2.1
      @ TXT "v=spf1 a -all"
      _dmarc TXT "v=DMARC1; p=reject"
      good._domainkey    TXT \(Self.quoted("v=DKIM1; n=ours; p=\(ours)"))
      other._domainkey   TXT \(Self.quoted("v=DKIM1; k=rsa; p=\(other)"))
      revoked._domainkey TXT "v=DKIM1; p="
      short._domainkey   TXT \(Self.quoted("v=DKIM1; k=rsa; p=\(short)"))
      testing._domainkey TXT \(Self.quoted("v=DKIM1; t=y; p=\(ours)"))
      broken._domainkey  TXT "v=DKIM1; p=&&&"
      two._domainkey     TXT \(Self.quoted("v=DKIM1; p=\(ours)"))
      two._domainkey     TXT \(Self.quoted("v=DKIM1; p=\(other)"))
      doubled._domainkey.keys.test TXT \(Self.quoted("v=DKIM1; p=\(ours)"))
      """
    try await withNameServer(zones: ["keys.test": zone]) { server in
      let cases: [(selector: String, verdict: String, code: String?)] = [
        ("good", "passed", nil), ("other", "failed", "key-differs"), ("revoked", "failed", "key-revoked"),
        ("short", "failed", "key-too-short"), ("nothing", "failed", "key-missing"),
        ("testing", "passed", "key-in-testing"), ("broken", "failed", "syntax"), ("two", "failed", "several-records"),
        ("doubled", "failed", "key-missing"),
      ]
      for (selector, verdict, code) in cases {
        let ours = selector == "short" ? [] : ["--key", folder + "/ours.pem"]
        let result = try await check(
          ["domain", "keys.test", "--ip", "192.0.2.1", "--selector", selector] + ours, server)
        #expect(result.output.hasPrefix("\(verdict) keys.test"), "\(selector): \(result)")
        #expect(result.status == (verdict == "passed" ? 0 : 1), "\(selector): \(result)")
        if let code { #expect(result.output.contains(" \(code) at "), "\(selector): \(result)") }
        #expect(result.output.contains("keys.test.keys.test") == (selector == "doubled"), "\(selector): \(result)")
      }
      let missing = try await check(["domain", "gone.keys.test", "--ip", "192.0.2.1"], server)
      #expect(missing.output.contains("name-not-found at gone.keys.test A") && missing.status == 1, "\(missing)")
      let whole = try await check(["domain", "keys.test", "--selector", "good", "--json"], server)
      let report = try JSONDecoder().decode(DomainReport.self, from: Data(whole.output.utf8))
      #expect(report.verdict == "passed" && report.keys.count == 1 && report.spf.count == 1, "\(whole)")
    }
  }

  // MARK: What helps

  private struct Report: Decodable {
    struct Body: Decodable {
      struct Finding: Decodable { var code, message, nextStep: String }
      struct Lookup: Decodable { var name: String }
      var findings: [Finding]
      var lookups: [Lookup]
    }
    var result: String
    var report: Body
  }

  private struct DomainReport: Decodable {
    var verdict: String
    var spf: [Report.Body]
    var keys: [Report.Body]
  }

  private func check(_ arguments: [String], _ server: NameServer) async throws -> CommandResult {
    try await run(
      try DemoServer.executable(), ["check"] + arguments + ["--dns", server.endpoint, "--dns-timeout", "2"])
  }

  /// Makes a key, and gives its public half in base 64.
  private func publicKey(bits: Int, in path: String) async throws -> String {
    let made = try await run(.openssl, ["genrsa", "-out", path, "\(bits)"])
    #expect(made.status == 0, "\(made)")
    let text = try await run(.openssl, ["rsa", "-in", path, "-pubout", "-outform", "PEM"])
    return text.output.split(separator: "\n").filter { !$0.contains("-") && !$0.contains(" ") }.joined()
  }

  /// A TXT record's strings as a master file has them.
  private static func quoted(_ text: String) -> String {
    var rest = text[...]
    var strings: [String] = []
    while !rest.isEmpty {
      strings.append("\"\(rest.prefix(200))\"")
      rest = rest.dropFirst(200)
    }
    return strings.joined(separator: " ")
  }
}
