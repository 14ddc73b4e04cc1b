import ArgumentParser
import DeliveryQueue
import DomainVerification
import MailModel

/// May this address send in the name of this domain?
struct CheckSPF: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "spf", abstract: "Check whether an address may send in the name of a domain (RFC 7208).")

  @Option(help: "The address that sends.", transform: Parse.address)
  var ip: IPAddress
  @Option(
    help: "The sender, as in MAIL FROM; a domain alone is one of its postmaster, and nothing the null sender.",
    transform: Parse.sender)
  var sender: String
  @Option(help: "What the sending host calls itself; needed for the null sender.", transform: Parse.identity)
  var helo: String?
  @OptionGroup var resolver: ResolverOption
  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard !["", "<>"].contains(sender) || helo != nil else {
      throw ValidationError("the null sender is checked by --helo.")
    }
  }

  func run() async throws {
    let request = SPFRequest(clientAddress: ip, senderText: sender, helo: helo ?? "unknown")
    let evaluation = try await resolver.withResolver { resolver in
      await SPFEvaluator(resolver: resolver).evaluate(request, at: SystemTime().now())
    }
    if json {
      print(try JSONLine.encode(SPFReport(evaluation)))
    } else {
      show(CheckText.spf(evaluation))
    }
    try evaluation.report.verdict.end()
  }
}
