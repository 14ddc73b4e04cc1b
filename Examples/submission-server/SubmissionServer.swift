import ArgumentParser

/// A submission server to try things with, and to look into its queue.
@main struct SubmissionServer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submission-server", abstract: "Takes mail over SMTP submission, keeps it on disk, and hands it on.",
    subcommands: [Demo.self, Status.self, Queue.self])
}

/// Where the data is; the same for all commands.
struct DataOption: ParsableArguments {
  @Option(name: .customLong("data"), help: "The data folder.")
  var folder = "submission-demo"
}
