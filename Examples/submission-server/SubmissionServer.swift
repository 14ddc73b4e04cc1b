import ArgumentParser

/// A submission server to try things with, and to look into its queue and mend it.
@main struct SubmissionServer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submission-server", abstract: "Takes mail over SMTP submission, keeps it on disk, and hands it on.",
    subcommands: [Demo.self, Status.self, Queue.self])
}
