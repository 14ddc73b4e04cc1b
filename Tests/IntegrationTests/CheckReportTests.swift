import Foundation
import PeerTesting
import Testing

/// What `submission-server check …` prints: lines of its own, whatever others wrote, the same keys in JSON at all times, and what
/// docs/domain-verification.md shows.
@Suite(.needs(.nsd)) struct CheckReportTests {
  private static let zones = [
    "example.com": """
    @               A   192.0.2.10
    @               TXT "v=spf1 ip4:192.0.2.10 include:_spf.example.net -all"
    _dmarc          TXT "v=DMARC1; p=none; rua=mailto:dmarc@example.com"
    expensive       A   192.0.2.10
    expensive       TXT "v=spf1 ip4:192.0.2.10 \(String(repeating: "a:example.com ", count: 11))-all"
    forged          A   192.0.2.10
    forged          TXT "v=spf1 -all" "\\010pass 192.0.2.1"
    _dmarc.forged   TXT "v=DMARC1; p=none; x=y\\010pass  example.com\\013fail example.com"
    long            TXT \((0..<40).map { _ in "\"\(String(repeating: "x", count: 250))\"" }.joined(separator: " "))
    long            TXT "v=spf1 ?all \(String(repeating: "a:example.com/24 ", count: 10))" \
    \((0..<40).map { _ in "\"\(String(repeating: " ip4:192.0.2.1/32", count: 14))\"" }.joined(separator: " "))
    """,
    "example.net": "_spf TXT \"v=spf1 ip4:198.51.100.0/24 -all\"",
    "bare.test": "@ A 192.0.2.10\n@ TXT \"v=spf1 ip4:192.0.2.10 -all\"",
    "test": "@ A 192.0.2.9",
  ]

  private static let unsigned = "From: user@example.com\r\n\r\nThe body.\r\n"
  /// The body is another than the one that was signed, so that no key is asked for.
  private static let changed =
    "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=from; bh=\(String(repeating: "A", count: 43))=; b=AAAA\r\n"
    + unsigned

  // MARK: Lines

  @Test func nobodyWritesLinesOfHisOwn() async throws {
    try await withNameServer(zones: Self.zones) { server in
      for arguments in [
        ["dmarc", "--from", "forged.example.com"], ["domain", "forged.example.com"],
        ["spf", "--ip", "192.0.2.1", "--sender", "forged.example.com"],
      ] {
        let result = try await check(arguments, server)
        let lines = result.output.split(whereSeparator: \.isNewline).dropFirst()
        #expect(lines.contains { $0.contains(#"\010pass"#) } || arguments[0] == "domain", "\(result)")
        for line in lines {
          #expect(
            line.hasPrefix("  ") || line.wholeMatch(of: /(passed|failed|undecided)  .+ of forged.*/) != nil, "\(result)"
          )
        }
      }
    }
  }

  @Test func aLongRecordIsCutInTextAlone() async throws {
    try await withNameServer(zones: Self.zones) { server in
      let arguments = ["spf", "--ip", "203.0.113.1", "--sender", "long.example.com"]
      let text = try await check(arguments, server)
      #expect(text.output.hasPrefix("neutral "), "\(text)")
      #expect(
        text.output.split(separator: "\n").allSatisfy { $0.count < 2_050 } && text.output.contains("… ("), "\(text)")
      let json = try await check(arguments + ["--json"], server)
      #expect(json.output.utf8.count > 8_000)
    }
  }

  // MARK: A domain

  /// What is in the way of others is told to who names senders too.
  @Test func anExpensiveRecord() async throws {
    try await withNameServer(zones: Self.zones) { server in
      let named = try await check(["domain", "expensive.example.com.", "--ip", "192.0.2.10"], server)
      #expect(named.output.hasPrefix("passed ") && named.status == 0, "\(named)")
      #expect(named.output.contains("  warning  too-many-lookups at expensive.example.com TXT: "), "\(named)")
      let whole = try await check(["domain", "expensive.example.com"], server)
      #expect(whole.output.contains("  failure  too-many-lookups at ") && whole.status == 1, "\(whole)")
    }
  }

  @Test(arguments: [(false, Int32(0), "warning"), (true, 1, "failure")])
  func aDomainWithoutAPolicy(isRequired: Bool, status: Int32, severity: String) async throws {
    try await withNameServer(zones: Self.zones) { server in
      let arguments = ["domain", "bare.test", "--ip", "192.0.2.10"] + (isRequired ? ["--require-dmarc"] : [])
      let text = try await check(arguments, server)
      #expect(text.output.contains("\n  \(severity)  no-record at _dmarc.bare.test TXT: "), "\(text)")
      #expect(text.status == status)
      let json = try object(try await check(arguments + ["--json"], server).output)
      #expect(json["requiresDMARC"] as? Bool == isRequired)
      #expect((json["nextStep"] as? String)?.hasPrefix("Publish \"v=DMARC1") == true, "\(json)")
    }
  }

  /// The public half of a key is enough to look for it.
  @Test(.needs(.openssl)) func aPublicKey() async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    _ = try await run(.openssl, ["genrsa", "-out", folder + "/key.pem", "2048"])
    _ = try await run(.openssl, ["rsa", "-in", folder + "/key.pem", "-pubout", "-out", folder + "/public.pem"])
    try await withNameServer(zones: Self.zones) { server in
      var steps: [String] = []
      for file in ["key.pem", "public.pem"] {
        let result = try await check(
          ["domain", "example.com", "--selector", "s1", "--key", folder + "/" + file], server)
        steps += result.output.split(separator: "\n").filter { $0.contains("Publish the record \"v=DKIM1") }.map(
          String.init)
      }
      #expect(steps.count == 2 && Set(steps).count == 1, "\(steps)")
      let tooFew = try await check(
        ["domain", "example.com", "--selector", "s1", "--selector", "s2", "--key", folder + "/key.pem"], server)
      #expect(tooFew.status == 64 && tooFew.output.contains("one key for each"), "\(tooFew)")
    }
  }

  // MARK: DMARC

  @Test func withoutEvidenceThePolicyAloneIsLookedAt() async throws {
    try await withNameServer(zones: Self.zones) { server in
      let text = try await check(["dmarc", "--from", "example.com"], server)
      #expect(text.output.hasPrefix("published example.com\n") && text.status == 0, "\(text)")
      #expect(text.output.contains("policy-none") && !text.output.contains("aligned"), "\(text)")
      let missing = try await check(["dmarc", "--from", "bare.test"], server)
      #expect(missing.output.hasPrefix("none bare.test\n") && missing.status == 1, "\(missing)")
    }
  }

  @Test func whySPFAndDKIMFailedIsTold() async throws {
    try await withFile(Self.changed) { file in
      try await withNameServer(zones: Self.zones) { server in
        let arguments = ["dmarc", "--ip", "203.0.113.5", "--sender", "a@example.com", "--message", file]
        let text = try await check(arguments, server)
        #expect(text.output.contains("SPF of example.com ended with fail"), "\(text)")
        #expect(
          text.output.contains("\nfailed  SPF of example.com for 203.0.113.5\n  failure  not-authorized"), "\(text)")
        #expect(text.output.contains("\nfailed  DKIM signatures of the message\n  failure  body-changed"), "\(text)")
        let json = try object(try await check(arguments + ["--json"], server).output)
        #expect((json["spf"] as? [String: Any])?["result"] as? String == "fail")
        #expect((json["dkim"] as? [String: Any])?["result"] as? String == "fail")
      }
    }
  }

  // MARK: JSON

  @Test func theKeysAreTheSameAtAllTimes() async throws {
    let spf: Set = [
      "result", "ip", "identity", "sender", "matches", "records", "lookupCount", "voidLookupCount", "explanation",
      "problem", "report",
    ]
    let dmarc: Set = [
      "result", "from", "policyDomain", "organizationalDomain", "record", "publishedPolicy", "policy", "policyTag",
      "alignedBy", "spf", "dkim", "report",
    ]
    try await withFile(Self.changed) { changed in
      try await withFile("To: nobody\n\nThe body.\n") { authorless in
        try await withNameServer(zones: Self.zones) { server in
          let cases: [([String], Set<String>)] = [
            (["spf", "--ip", "192.0.2.10", "--sender", "a@example.com"], spf),
            (["spf", "--ip", "192.0.2.10", "--sender", "a@gone.test"], spf),
            (["spf", "--ip", "192.0.2.10", "--sender", "a@localhost"], spf),
            (["dkim", changed], ["result", "signatures", "ignoredSignatures", "report"]),
            (["dkim", authorless], ["result", "signatures", "ignoredSignatures", "report"]),
            (["dmarc", "--from", "example.com"], dmarc), (["dmarc", "--from", "gone.test"], dmarc),
            (["dmarc", "--message", changed, "--ip", "192.0.2.1", "--helo", "example.com"], dmarc),
            (["dmarc", "--message", authorless], dmarc),
            (
              ["domain", "example.com", "--selector", "s1"],
              ["domain", "verdict", "nextStep", "requiresDMARC", "address", "spf", "keys", "dmarc"]
            ),
            (
              ["domain", "gone.test", "--ip", "192.0.2.1"],
              ["domain", "verdict", "nextStep", "requiresDMARC", "address", "spf", "keys", "dmarc"]
            ),
          ]
          for (arguments, keys) in cases {
            let json = try object(try await check(arguments + ["--json"], server).output)
            #expect(Set(json.keys) == keys, "\(arguments)")
            expectForms(json, spf, "\(arguments)")
          }
        }
      }
    }
  }

  /// Whatever is in a form, wherever it stands.
  private func expectForms(_ value: Any, _ spf: Set<String>, _ comment: Comment) {
    for item in value as? [Any] ?? [] { expectForms(item, spf, comment) }
    guard let form = value as? [String: Any] else { return }
    let keys = Set(form.keys)
    if keys.contains("findings"), keys.contains("lookups") {
      #expect(keys == ["subject", "verdict", "findings", "nextStep", "lookups"], comment)
    } else if keys.contains("severity") {
      #expect(keys == ["code", "severity", "subject", "message", "nextStep"], comment)
      for key in ["message", "nextStep"] { #expect((form[key] as? String)?.hasSuffix(".") == true, "\(form)") }
    } else if keys.contains("outcome") {
      #expect(
        keys == ["name", "type", "outcome", "records", "reason", "aliases", "timeToLive", "isAuthenticated"], comment)
    } else if keys.contains("signedFields") {
      #expect(
        keys == [
          "result", "domain", "selector", "identity", "algorithm", "keyBits", "signedFields", "unsignedBodyOctets",
          "isTesting", "problem", "findings",
        ], comment)
    } else if keys.contains("voidLookupCount") {
      #expect(keys == spf, comment)
    }
    for item in form.values { expectForms(item, spf, comment) }
  }

  // MARK: What cannot be read, and where it cannot be written

  @Test(arguments: [
    (["dkim", "/"], "it is a directory"), (["dkim", ""], "the name of a file is missing"),
    (["dkim", "/dev/null"], "holds no message"), (["dmarc", "--message", "/"], "it is a directory"),
    (["dmarc", "--from", "b.test", "--public-suffixes", "/"], "it is a directory"),
    (["domain", "b.test", "--selector", "s", "--key", "/"], "it is a directory"),
    (["domain", "192.0.2.1"], "no domain name"),
    (["dmarc", "--from", "b.test", "--spf", "banana=b.test"], "no result of SPF"),
    (["dmarc", "--from", "b.test", "--dkim", "softfail=b.test"], "no result of DKIM"),
    (["dmarc", "--from", "b.test", "--sender", "a@b.test"], "--ip"),
    (["dmarc", "--from", "b.test", "--helo", "b"], "--ip"),
    (["spf", "--ip", "192.0.2.1", "--sender", "a@"], "no domain behind"),
    (["spf", "--ip", "192.0.2.1", "--sender", "a\nb@b.test"], "control characters"),
    (["spf", "--ip", "192.0.2.1", "--sender", "", "--helo", "b\u{1b}"], "control characters"),
  ])
  func whatCannotBeReadIsSaid(_ arguments: [String], words: String) async throws {
    let result = try await run(try DemoServer.executable(), ["check"] + arguments)
    #expect(result.status == 64 && result.output.contains(words), "\(result)")
    #expect(result.output.contains("Usage: submission-server check \(arguments[0])"), "\(result)")
  }

  @Test func aClosedInputIsNoMessage() async throws {
    let result = try await run("/bin/sh", ["-c", "exec \"$0\" check dkim - <&-", try DemoServer.executable()])
    #expect(result.status == 64 && result.output.contains("'-' cannot be read"), "\(result)")
  }

  @Test(arguments: ["", "--json"]) func outputThatIsLostIsNoVerdict(_ option: String) async throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    try await withFile(Self.unsigned) { file in
      let script = "exec \"$0\" check dkim \(option) \"$1\" >/dev/full"
      let result = try await run("/bin/sh", ["-c", script, try DemoServer.executable(), file])
      #expect(result.status == 74 && result.output.contains("cannot be written"), "\(result)")
    }
  }

  @Test func aNameServerThatIsNotThere() async throws {
    for arguments in [
      ["spf", "--ip", "192.0.2.1", "--sender", "a@example.com"], ["dmarc", "--from", "example.com"],
      ["domain", "example.com", "--selector", "s1"],
    ] {
      let result = try await run(
        try DemoServer.executable(), ["check"] + arguments + ["--dns", "127.0.0.1:1", "--dns-timeout", "1"])
      #expect(result.status == 75 && result.output.contains("the name server which is asked"), "\(result)")
      #expect(!result.output.contains("errno") && !result.output.contains("asked for"), "\(result)")
    }
  }

  /// With the port or without: port 53 of loopback, where a name server may be or not, is somebody to ask.
  @Test(arguments: ["[::1]", "::1", "127.0.0.1", "[::1]:1"]) func howANameServerIsNamed(_ server: String) async throws {
    let arguments = ["check", "spf", "--ip", "192.0.2.1", "--sender", "a@localhost", "--dns", server]
    let result = try await run(try DemoServer.executable(), arguments)
    #expect(result.output.hasPrefix("none ") && result.status == 1, "\(result)")
  }

  /// A mailbox file begins with a line of its own, and some editors begin a file with a mark.
  @Test(arguments: ["From user@example.com Mon Nov 23 05:00:00 2026\n", "\u{FEFF}", "\u{FEFF}From x\r\n"])
  func whatStandsBeforeAMessage(_ mark: String) async throws {
    try await withFile(mark + Self.changed) { file in
      let result = try await run(try DemoServer.executable(), ["check", "dkim", file])
      #expect(result.output.hasPrefix("fail d=example.com s=s1 a=rsa-sha256 body-changed\n"), "\(result)")
    }
  }

  // MARK: The document

  private static let document: String = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return (try? String(contentsOf: root.appending(path: "docs/domain-verification.md"), encoding: .utf8)) ?? ""
  }()

  /// The document's blocks of a kind, line by line.
  private static func blocks(_ kind: String) -> [[Substring]] {
    // Every other part stands between two fences, and the first of its lines is its kind.
    let parts = document.split(separator: "```", omittingEmptySubsequences: false)
    return parts.indices.filter { !$0.isMultiple(of: 2) }.compactMap { index in
      let lines = parts[index].split(separator: "\n", omittingEmptySubsequences: false)
      return lines[0] == kind ? Array(lines.dropFirst().dropLast()) : nil
    }
  }

  /// Each command that the document shows says what stands there.
  @Test(.needs(.openssl)) func theDocumentShowsWhatIsPrinted() async throws {
    try await withExample { folder, server in
      var shown: [(command: String, output: String)] = []
      for line in Self.blocks("").filter({ $0.first?.hasPrefix("$ ") ?? false }).joined() {
        if line.hasPrefix("$ submission-server ") {
          shown.append((String(line.dropFirst("$ submission-server ".count)), ""))
        } else if !shown.isEmpty {
          shown[shown.count - 1].output += line + "\n"
        }
      }
      #expect(shown.count == 4)
      for (command, output) in shown {
        let arguments = Self.arguments(command, folder, server)
        let result = try await run(try DemoServer.executable(), arguments)
        #expect(result.output == output, "\(command)")
      }
    }
  }

  /// And so does its JSON, which is shown in several lines.
  @Test(.needs(.openssl)) func theDocumentShowsTheJSON() async throws {
    let commands = [
      "check spf --ip 203.0.113.5 --sender news@example.com", "check dkim changed.eml",
      "check dmarc --from example.com --spf pass=bounces.example.net",
    ]
    try await withExample { folder, server in
      let shown = Self.blocks("json")
      #expect(shown.count == commands.count)
      for (command, lines) in zip(commands, shown) {
        let result = try await run(
          try DemoServer.executable(), Self.arguments(command + " --json --dns 127.0.0.1:25353", folder, server))
        let (expected, printed) = (try object(lines.joined(separator: "\n")), try object(result.output))
        #expect(NSDictionary(dictionary: expected) == NSDictionary(dictionary: printed), "\(command): \(result.output)")
      }
    }
  }

  private static func arguments(_ command: String, _ folder: String, _ server: NameServer) -> [String] {
    command.split(separator: " ").map {
      switch $0 {
      case "127.0.0.1:25353": server.endpoint
      case "changed.eml", "key.pem": folder + "/" + $0
      default: String($0)
      }
    }
  }

  /// The zones and files of the document.
  private func withExample(_ body: (String, NameServer) async throws -> Void) async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(Self.changed.utf8).write(to: URL(filePath: folder + "/changed.eml"))
    _ = try await run(.openssl, ["genrsa", "-out", folder + "/key.pem", "2048"])
    let pem = try await run(.openssl, ["rsa", "-in", folder + "/key.pem", "-pubout"])
    let key = pem.output.split(separator: "\n").filter { !$0.contains("-") && !$0.contains(" ") }.joined()
    var zones = Self.zones
    zones["example.com"]? += "\ns1._domainkey TXT \"v=DKIM1; k=rsa; p=\(key.prefix(200))\" \"\(key.dropFirst(200))\""
    try await withNameServer(zones: zones) { try await body(folder, $0) }
  }

  // MARK: What helps

  private func check(_ arguments: [String], _ server: NameServer) async throws -> CommandResult {
    try await run(
      try DemoServer.executable(), ["check"] + arguments + ["--dns", server.endpoint, "--dns-timeout", "2"])
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
  }

  private func withFile(_ text: String, _ body: (String) async throws -> Void) async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(text.utf8).write(to: URL(filePath: folder + "/message.eml"))
    try await body(folder + "/message.eml")
  }
}
