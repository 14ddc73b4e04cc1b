import ArgumentParser
import DeliveryQueue
import MailModel
import SQLiteStorage

extension Queue {
  /// The messages in the queue.
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the messages in the queue, the oldest first.")

    @OptionGroup var selection: SelectionOptions
    @Flag(help: "List messages that are through, too.")
    var all = false
    @Option(help: "List so many messages at most.")
    var limit: Int?
    @Option(help: "List messages behind this queue ID alone.", transform: Parse.queueID)
    var after: QueueID?
    @OptionGroup var data: DataOption
    @Flag(help: "Print a JSON array, with one message a line.")
    var json = false

    func validate() throws {
      if let limit, limit < 1 { throw ValidationError("--limit is 1 or more.") }
    }

    func run() async throws {
      let queue = try await SQLiteQueueReader(folder: data.folder)
      let selection = all ? selection.selection : selection.openByDefault
      var (last, count) = (after, 0)
      if json { print("[", terminator: "") }
      // Page by page: nothing is held between two of them, neither the messages nor the database.
      while case let page = try await queue.messages(selection, after: last, limit: pageSize(after: count)),
        !page.isEmpty
      {
        for status in page {
          try printMessage(status, isFirst: count == 0)
          count += 1
        }
        last = page.last?.id
      }
      if json { return print("\n]") }
      print(count == 1 ? "1 message" : "\(count) messages")
      if count == limit, let last, try await !queue.messages(selection, after: last, limit: 1).isEmpty {
        print("There are more: --after \(last)")
      }
    }

    private func pageSize(after count: Int) -> Int { min(500, limit.map { $0 - count } ?? .max) }

    private func printMessage(_ status: MessageStatus, isFirst: Bool) throws {
      guard json else { return show(StatusReport(status).text) }
      print(isFirst ? "" : ",", try JSONLine.encode(StatusReport(status)), separator: "\n", terminator: "")
    }
  }
}
