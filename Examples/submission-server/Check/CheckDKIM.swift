import ArgumentParser
import DeliveryQueue
import DomainVerification
import MailModel

/// What are the signatures of this message worth?
struct CheckDKIM: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dkim", abstract: "Check the DKIM signatures of a message (RFC 6376).",
    discussion: "One line for each signature, which begins with its result.")

  @Argument(help: "The message: a file, or - for the standard input. Lines may end with LF alone.")
  var file: String
  @OptionGroup var resolver: ResolverOption
  @Flag(help: "Print JSON.")
  var json = false

  func run() async throws {
    let message = try MessageFile(file)
    let evaluation = try await resolver.withResolver { resolver in
      await DKIMVerifier(resolver: resolver).verify(message.header, body: message.body, at: SystemTime().now())
    }
    if json {
      print(try JSONLine.encode(DKIMReport(evaluation)))
    } else {
      show(CheckText.dkim(evaluation))
    }
    try evaluation.report.verdict.end()
  }
}
