import ArgumentParser
import DeliveryQueue
import DomainVerification
import MailModel

/// What are the signatures of this message worth?
struct CheckDKIM: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dkim", abstract: "Check the DKIM signatures of a message (RFC 6376).",
    discussion: """
      One line for each signature, which begins with its result, then what was found. The exit status is that of the message: \
      0 where a signature passes, whatever the others come to, and 1 where one does but the message has not exactly one From, \
      so that readers may see another author than the signed one.
      """)

  @Argument(
    help: ArgumentHelp(
      "The message: a file, or - for the standard input. Lines may end with LF alone.", valueName: "file"),
    transform: MessageFile.init)
  var message: MessageFile
  @OptionGroup var resolver: ResolverOption
  @Flag(help: "Print JSON.")
  var json = false

  func run() async throws {
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
