import ArgumentParser
import DeliveryQueue
import SQLiteStorage

extension Queue {
  /// How many recipients each destination or tenant has.
  struct Count: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Count recipients by destination or tenant, the greatest groups first.",
      discussion: "Of recipients that are not final, unless a selection says otherwise.")

    enum Grouping: String, CaseIterable, ExpressibleByArgument {
      case destination, tenant

      var grouping: QueueGrouping { self == .tenant ? .tenant : .destination }
    }

    @Option(help: "By what.")
    var by = Grouping.destination
    @OptionGroup var selection: SelectionOptions
    @Flag(help: "Count recipients that are final, too.")
    var all = false
    @Option(help: "Print so many groups at most.")
    var limit = 100
    @OptionGroup var data: DataOption
    @Flag(help: "Print a JSON array.")
    var json = false

    func validate() throws {
      if limit < 1 { throw ValidationError("--limit is 1 or more.") }
    }

    func run() async throws {
      let queue = try await SQLiteQueueReader(folder: data.folder)
      let selection = all ? selection.selection : selection.openByDefault
      // One more than is printed, to know whether there are more.
      let found = try await queue.counts(selection, by: by.grouping, limit: limit == .max ? limit : limit + 1)
      let counts = found.prefix(limit)
      if json { return print(try JSONLine.encode(counts.map(CountReport.init))) }
      for count in counts { show("\(count.total)  \(count.name ?? "(none)")  \(count.recipients.text)") }
      if found.count > counts.count { print("There are more: --limit") }
    }
  }

  /// The queue in a few figures.
  struct Summary: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the queue in a few figures.")

    @OptionGroup var data: DataOption
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
      let queue = try await SQLiteQueueReader(folder: data.folder)
      let report = SummaryReport(try await queue.summary(), at: SystemTime().now())
      print(json ? try JSONLine.encode(report) : report.text)
    }
  }
}
