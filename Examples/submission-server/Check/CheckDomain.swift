import ArgumentParser
import DomainVerification
import Foundation
import LibCrypto
import MailModel

/// Does the zone of this domain hold what it takes to send mail in its name?
struct CheckDomain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "domain", abstract: "Check a domain's address, SPF record, DKIM keys and DMARC policy.",
    discussion: """
      Without --ip the SPF record is looked at, and nobody asked for; without --selector no key is. The parts are checked side \
      by side: a name server that is silent costs about twice --dns-timeout.
      """)

  @Argument(help: "The domain.", transform: Parse.domain)
  var domain: DomainName
  @Option(help: "An address that mail will come from; once for each.", transform: Parse.address)
  var ip: [IPAddress] = []
  @Option(help: "A selector at which a key must be published; once for each.", transform: Parse.selector)
  var selector: [DKIMSelector] = []
  @Option(
    help: ArgumentHelp(
      "The key, private or public, in PEM, that must be the one at the selector; one for each, in the selectors' order.",
      valueName: "file"),
    transform: Parse.verifyingKey)
  var key: [VerifyingKey] = []
  @Flag(help: "Fail where there is no DMARC policy; without this that is a warning.")
  var requireDMARC = false
  @OptionGroup var resolver: ResolverOption
  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard key.isEmpty || key.count == selector.count else {
      throw ValidationError(
        "there are \(selector.count) --selector and \(key.count) --key; give one key for each, or none.")
    }
  }

  func run() async throws {
    var requirements = DomainRequirements()
    requirements.senders = ip
    requirements.keys = selector.enumerated().map { index, selector in
      DomainRequirements.Key(selector, index < key.count ? [key[index]] : [])
    }
    requirements.requiresDMARC = requireDMARC
    let report = try await resolver.withResolver { [requirements] in
      await DomainChecker(resolver: $0).check(domain, requirements)
    }
    if json {
      print(try JSONLine.encode(DomainCheckReport(report)))
    } else {
      show(CheckText.domain(report))
    }
    try report.verdict.end()
  }
}
