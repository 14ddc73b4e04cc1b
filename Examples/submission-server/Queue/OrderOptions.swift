import ArgumentParser
import DeliveryQueue
import MailModel
import SQLiteStorage

/// To whom an order is given, and in whose name.
struct OrderOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("Messages, by their queue IDs.", valueName: "queue-id"), transform: Parse.queueID)
  var queueIDs: [QueueID] = []
  @OptionGroup var selection: SelectionOptions
  @Flag(help: "Every message in the queue.")
  var everything = false
  @OptionGroup var name: OperatorOption
  @OptionGroup var data: DataOption
  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    let namesNothing = queueIDs.isEmpty && selection.isEmpty
    if namesNothing, !everything {
      throw ValidationError("Say which: queue IDs, --destination, --tenant, --state, or --everything.")
    }
    if !namesNothing, everything { throw ValidationError("--everything goes with no other selection.") }
  }

  /// Gives the order, and prints what it changed.
  func give(_ action: QueueOrder.Action, because reason: String) async throws {
    var selection = selection
    selection.ids += queueIDs
    let order = QueueOrder(action, by: name.operator, because: reason, at: SystemTime().now())
    let storage = try await data.open()
    for id in selection.ids where try await storage.queue.status(of: id) == nil {
      throw NoSuchMessage(id: id, data: data)
    }
    let result = try await storage.queue.apply(order, to: selection.selection)
    await storage.close()
    let report = OrderReport(order, result)
    if json { print(try JSONLine.encode(report)) } else { show(report.text) }
  }
}

/// What an order changed, as it is printed.
private struct OrderReport: Encodable {
  let action: String
  let by: String
  let reason: String
  let messages: Int
  let recipients: Int
  let underAttempt: [String]

  init(_ order: QueueOrder, _ result: QueueOrderResult) {
    (action, by, reason) = (order.action.rawValue, order.operator, order.reason)
    (messages, recipients) = (result.messages, result.recipients)
    underAttempt = result.underAttempt.map(\.description)
  }

  var text: String {
    let changed = recipients == 1 ? "1 recipient" : "\(recipients) recipients"
    let lines = ["\(action): \(changed) of \(messages == 1 ? "1 message" : "\(messages) messages")"]
    return (lines + underAttempt.map { "\($0) is being attempted, and was left alone" }).joined(separator: "\n")
  }
}
