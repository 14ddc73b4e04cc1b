import ArgumentParser

/// A submission server to try things with, to look into its queue and mend it, and to check domains.
@main struct SubmissionServer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submission-server", abstract: "Takes mail over SMTP submission, keeps it on disk, and hands it on.",
    subcommands: [Demo.self, Status.self, Queue.self, Check.self])

  /// As it is by default, but for output that nobody gets: that is a failure of its own.
  static func main() async {
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      StandardOutput.exitIfLost()
    } catch {
      StandardOutput.exitIfLost()
      exit(withError: error)
    }
  }
}
