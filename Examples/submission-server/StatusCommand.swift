import ArgumentParser
import DeliveryQueue
import MailModel
import SQLiteStorage

/// What became of one message.
struct Status: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Print what became of a message.")

  @Argument(help: "The queue ID from the server's reply.", transform: Parse.queueID)
  var queueID: QueueID
  @OptionGroup var data: DataOption
  @Flag(help: "Print JSON.")
  var json = false

  func run() async throws {
    let queue = try await SQLiteQueueReader(folder: data.folder)
    guard let status = try await queue.status(of: queueID) else { throw NoSuchMessage(id: queueID, data: data) }
    if json { print(try JSONLine.encode(StatusReport(status))) } else { show(StatusReport(status).text) }
  }
}

/// Somebody asks for a message that is not there.
struct NoSuchMessage: Error, CustomStringConvertible {
  let id: QueueID
  let data: DataOption

  var description: String { "No message \(id) in \(data.folder)." }
}
