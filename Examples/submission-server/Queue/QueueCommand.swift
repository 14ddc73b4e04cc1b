import ArgumentParser

/// Everything about the queue.
struct Queue: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look into the queue, and change it.",
    discussion: """
      Looking works at any time. Changing needs the data folder for itself: it is refused while a server holds it.
      """,
    subcommands: [
      List.self, Count.self, Summary.self, Hold.self, Release.self, Retry.self, Bounce.self, Remove.self,
      Check.self, Repair.self,
    ],
    defaultSubcommand: List.self)
}
