import Foundation
import PeerTesting
import Testing

/// Findings of `submission-server check …` that ``CheckTests`` does not come to. A key of over 8,192 bits, a body that is signed in
/// part, and a failure of this machine are left to the tests of the library.
@Suite(.needs(.nsd)) struct CheckFindingTests {
  private static let zones = [
    "find.test": """
    nobody        A   192.0.2.1
    nobody        TXT "v=spf1 -all"
    open          A   192.0.2.1
    open          TXT "v=spf1 ip4:192.0.2.1"
    behind        A   192.0.2.1
    behind        TXT "v=spf1 ip4:192.0.2.1 -all ip4:192.0.2.2"
    aside         A   192.0.2.1
    aside         TXT "v=spf1 ip4:192.0.2.1 redirect=open.find.test -all"
    text          TXT "v=spf1 ip4:192.0.2.1 -all"
    _dmarc.tried  TXT "v=DMARC1; p=reject; t=y"
    _dmarc.part   TXT "v=DMARC1; p=reject; pct=50"
    _dmarc.weak   TXT "v=DMARC1; p=reject; sp=none"
    """,
    "test": "@ A 192.0.2.9",
  ]

  @Test(arguments: [
    (["domain", "nobody.find.test"], "passed", "warning  authorizes-nobody"),
    (["domain", "open.find.test"], "passed", "warning  no-default"),
    (["domain", "behind.find.test"], "passed", "warning  unreachable-term"),
    (["domain", "aside.find.test"], "passed", "warning  redirect-ignored"),
    (["domain", "text.find.test"], "failed", "failure  no-address"),
    (["spf", "--ip", "192.0.2.1", "--sender", "a@localhost"], "none", "failure  invalid-domain"),
    (["dmarc", "--from", "tried.find.test"], "published", "warning  policy-in-testing"),
    (["dmarc", "--from", "part.find.test"], "published", "warning  policy-in-testing"),
    (["dmarc", "--from", "weak.find.test"], "published", "warning  weak-subdomain-policy"),
  ])
  func ofTheDNS(_ arguments: [String], word: String, finding: String) async throws {
    try await withNameServer(zones: Self.zones) { server in
      let result = try await run(
        try DemoServer.executable(), ["check"] + arguments + ["--dns", server.endpoint, "--dns-timeout", "2"])
      #expect(result.output.hasPrefix("\(word) ") && result.output.contains("\n  \(finding) at "), "\(result)")
    }
  }

  /// None of these needs a key.
  @Test(arguments: [
    ("x=1", 1, 0, "policy", "failure  signature-time"), ("a=rsa-sha1", 1, 0, "permerror", "failure  algorithm"),
    ("t=1", 11, 0, "fail", "warning  too-many-signatures"), ("t=1", 1, 262_144, "neutral", "failure  limit"),
  ])
  func ofAMessage(_ tag: String, count: Int, filler: Int, word: String, finding: String) async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let algorithm = tag.hasPrefix("a=") ? "" : "a=rsa-sha256; "
    let signature =
      "DKIM-Signature: v=1; \(algorithm)\(tag); d=find.test; s=s1; h=from; bh=\(String(repeating: "A", count: 43))=; b=AAAA\n"
    let line = "X: \(String(repeating: "x", count: 900))\n"
    let message =
      String(repeating: signature, count: count) + String(repeating: line, count: filler / 900)
      + "From: a@find.test\n\nThe body.\n"
    try Data(message.utf8).write(to: URL(filePath: folder + "/message.eml"))
    let result = try await run(try DemoServer.executable(), ["check", "dkim", folder + "/message.eml"])
    #expect(result.output.hasPrefix("\(word) d=find.test") || word == "neutral", "\(result)")
    #expect(result.output.hasPrefix(word) && result.output.contains("\n  \(finding) at "), "\(result)")
    #expect(result.status == 1)
  }
}
