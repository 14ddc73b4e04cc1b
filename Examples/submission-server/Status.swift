import ArgumentParser
import DeliveryQueue
import MailModel
import SQLiteStorage

/// What became of one message.
struct Status: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Print what became of a message.")

  @Argument(help: "The queue ID from the server's reply.")
  var queueID: String
  @OptionGroup var data: DataOption
  @Flag(help: "Print JSON.")
  var json = false

  func run() async throws {
    guard let id = QueueID(queueID) else { throw ValidationError("'\(queueID)' is not a queue ID.") }
    let queue = try await SQLiteQueueReader(folder: data.folder)
    guard let status = try await queue.status(of: id) else {
      throw ValidationError("No message \(queueID) in \(data.folder).")
    }
    print(json ? try JSONLine.encode(StatusReport(status)) : StatusReport(status).text)
  }
}

/// The messages in the queue.
struct Queue: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "List the messages in the queue.")

  @OptionGroup var data: DataOption
  @Flag(help: "List messages that are through, too.")
  var all = false
  @Flag(help: "Print a JSON array, with one message a line.")
  var json = false

  func run() async throws {
    let queue = try await SQLiteQueueReader(folder: data.folder)
    var last: QueueID?
    var count = 0
    if json { print("[", terminator: "") }
    while case let page = try await queue.messages(after: last, limit: 500), !page.isEmpty {
      for status in page where all || !status.isFinal {
        if json {
          print(count == 0 ? "" : ",", try JSONLine.encode(StatusReport(status)), separator: "\n", terminator: "")
        } else {
          print(StatusReport(status).text)
        }
        count += 1
      }
      last = page.last?.id
    }
    print(json ? "\n]" : count == 1 ? "1 message" : "\(count) messages")
  }
}

/// A message's status as it is printed.
struct StatusReport: Encodable {
  struct Recipient: Encodable {
    let address: String
    let state: String
    let attempts: Int
    let reply: String?

    private enum CodingKeys: CodingKey { case address, state, attempts, reply }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(address, forKey: .address)
      try container.encode(state, forKey: .state)
      try container.encode(attempts, forKey: .attempts)
      try container.encode(reply, forKey: .reply)  // null before the first attempt
    }
  }

  let queueID: String
  let sender: String
  let recipients: [Recipient]

  private enum CodingKeys: CodingKey { case queueID, sender, recipients }
  private let status: MessageStatus

  init(_ status: MessageStatus) {
    self.status = status
    queueID = status.id.description
    sender = status.reversePath.description
    recipients = status.recipients.map {
      Recipient(
        address: $0.path.description, state: $0.state.rawValue, attempts: $0.attempts, reply: $0.reply?.description)
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(queueID, forKey: .queueID)
    try container.encode(sender, forKey: .sender)
    try container.encode(recipients, forKey: .recipients)
  }

  var text: String {
    let head = "\(queueID)  \(status.acceptedAt)  \(status.size) octets  from <\(sender)>"
    return head
      + status.recipients.map { recipient in
        let attempts = recipient.attempts == 1 ? "1 attempt" : "\(recipient.attempts) attempts"
        let reply = recipient.reply.map { "\n      \($0)" } ?? ""
        let next = recipient.nextAttempt.map { ", next \($0)" } ?? ""
        return "\n  <\(recipient.path)>  \(recipient.state.rawValue), \(attempts)\(next)\(reply)"
      }.joined()
  }
}
