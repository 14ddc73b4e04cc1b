import DomainVerification
import Foundation
import MailModel
import Testing

private let text = """
  // ===BEGIN ICANN DOMAINS===
  com
  jp
  ac.jp
  *.kobe.jp
  !city.kobe.jp
  uk
  co.uk
  *.ck
  !www.ck
  // Chinese
  cn
  公司.cn
  // ===END ICANN DOMAINS===
  // ===BEGIN PRIVATE DOMAINS===
  github.io
  // ===END PRIVATE DOMAINS===
  """

/// Where Debian's package publicsuffix puts it.
private let systemList = "/usr/share/publicsuffix/public_suffix_list.dat"

private func name(_ text: String) throws -> DomainName { try #require(DomainName(text)) }

@Suite struct PublicSuffixListTests {
  @Test(arguments: [
    ("com", "com", nil), ("example.com", "com", "example.com"), ("b.example.com", "com", "example.com"),
    ("jp", "jp", nil), ("test.jp", "jp", "test.jp"), ("ac.jp", "ac.jp", nil), ("www.test.ac.jp", "ac.jp", "test.ac.jp"),
    // A wildcard: every child of kobe.jp, but not kobe.jp itself.
    ("kobe.jp", "jp", "kobe.jp"), ("c.kobe.jp", "c.kobe.jp", nil), ("b.c.kobe.jp", "c.kobe.jp", "b.c.kobe.jp"),
    ("a.b.c.kobe.jp", "c.kobe.jp", "b.c.kobe.jp"),
    // Exceptions.
    ("city.kobe.jp", "kobe.jp", "city.kobe.jp"), ("www.city.kobe.jp", "kobe.jp", "city.kobe.jp"),
    ("ck", "ck", nil), ("test.ck", "test.ck", nil), ("b.test.ck", "test.ck", "b.test.ck"), ("www.ck", "ck", "www.ck"),
    ("www.www.ck", "ck", "www.ck"),
    // No rule: the last label.
    ("example", "example", nil), ("a.b.example", "example", "b.example"), ("github.io", "github.io", nil),
    ("someone.github.io", "github.io", "someone.github.io"), ("io", "io", nil),
    // Names of other scripts, either way.
    ("公司.cn", "xn--55qx5d.cn", nil), ("食狮.公司.cn", "xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
    ("www.xn--85x722f.xn--55qx5d.cn", "xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
    // A label that only ends like a rule.
    ("notco.uk", "uk", "notco.uk"), ("CO.UK", "co.uk", nil),
  ])
  func rules(domain: String, suffix: String, organization: String?) throws {
    let list = try PublicSuffixList(text)
    let domain = try name(domain)
    #expect(list.publicSuffix(of: domain).description == suffix)
    #expect(list.organizationalDomain(of: domain)?.description == organization)
    #expect(list.isPublicSuffix(domain) == (organization == nil))
  }

  @Test func privateDomainsCanBeLeftOut() throws {
    let list = try PublicSuffixList(text, includesPrivateDomains: false)
    #expect(try !list.isPublicSuffix(name("github.io")))
    #expect(try list.isPublicSuffix(name("co.uk")))
    #expect(try list.ruleCount == PublicSuffixList(text).ruleCount - 1)
  }

  @Test func linesMayEndInCRLFAndGoOnBehindABlank() throws {
    let list = try PublicSuffixList("com\r\nco.uk trailing words\r\n\r\n// comment\r\norg")
    #expect(list.ruleCount == 3)
    #expect(try list.isPublicSuffix(name("co.uk")))
    #expect(try list.organizationalDomain(of: name("a.b.org")) == name("b.org"))
  }

  @Test(arguments: [
    ("com\na..b", 2), ("a.*.b", 1), ("com\n\n!com", 3), ("*", 1), ("*.", 1), ("!", 1), ("<html>", 1),
    ("com\n_x.com", 2),
  ])
  func aLineThatIsNoRule(text: String, line: Int) {
    #expect {
      try PublicSuffixList(text)
    } throws: { error in
      let error = error as? PublicSuffixListError
      return error?.code == .invalidRule && error?.line == line && error?.description.contains("line \(line)") == true
    }
  }

  @Test(arguments: ["", "\n\n", "// nothing\n"])
  func noRuleAtAll(text: String) {
    #expect { try PublicSuffixList(text) } throws: { ($0 as? PublicSuffixListError)?.code == .empty }
  }

  @Test(arguments: [-1, 0, 1])
  func size(more: Int) {
    let octets = Array("com\n".utf8) + [UInt8](repeating: 0x0A, count: PublicSuffixList.largestCount - 4 + more)
    let code: PublicSuffixListError.Code?
    do throws(PublicSuffixListError) {
      _ = try PublicSuffixList(octets)
      code = nil
    } catch {
      code = error.code
    }
    #expect(code == (more > 0 ? .tooLarge : nil))
  }

  @Test(.enabled(if: FileManager.default.isReadableFile(atPath: systemList), "publicsuffix not installed"))
  func theSystemsList() throws {
    let octets = try Array(Data(contentsOf: URL(filePath: systemList)))
    let list = try PublicSuffixList(octets)
    #expect(list.ruleCount > 5_000)
    for suffix in ["com", "co.uk", "github.io", "s3.amazonaws.com", "公司.cn", "ck", "anything.ck", "香港", "blogspot.com"]
    {
      #expect(try list.isPublicSuffix(name(suffix)), "\(suffix)")
    }
    for (domain, organization) in [
      ("mail.example.co.uk", "example.co.uk"), ("www.ck", "www.ck"), ("a.b.c.kobe.jp", "b.c.kobe.jp"),
      ("www.city.kobe.jp", "city.kobe.jp"), ("x.someone.github.io", "someone.github.io"), ("a.b.公司.hk", "b.公司.hk"),
    ] {
      #expect(try list.organizationalDomain(of: name(domain)) == name(organization), "\(domain)")
    }
  }

  /// Each rule of the list, as the page of the algorithm says what comes of it.
  @Test(.enabled(if: FileManager.default.isReadableFile(atPath: systemList), "publicsuffix not installed"))
  func everyRuleOfTheSystemsList() throws {
    let text = try String(contentsOfFile: systemList, encoding: .utf8)
    let list = try PublicSuffixList(text)
    let rules = text.split(separator: "\n").filter { !$0.hasPrefix("//") }.map(String.init)
    #expect(rules.count == list.ruleCount)
    let wildcards = Set(rules.filter { $0.hasPrefix("*.") })
    for rule in rules {
      if rule.hasPrefix("!") {
        let domain = try name(String(rule.dropFirst()))
        #expect(list.organizationalDomain(of: domain) == domain, "\(rule)")
      } else {
        let domain = try name(rule.hasPrefix("*.") ? "some\(rule.dropFirst())" : rule)
        #expect(list.isPublicSuffix(domain), "\(rule)")
        // Where all of its children are suffixes too, an organisation stands one label lower.
        let registered = wildcards.contains("*.\(rule)") ? "one.first-of.\(domain)" : "first-of.\(domain)"
        #expect(try list.organizationalDomain(of: name("one.first-of.\(domain)")) == name(registered), "\(rule)")
      }
    }
  }
}
