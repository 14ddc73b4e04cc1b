import ArgumentParser
import DeliveryQueue
import MailModel

/// Which recipients are meant. What is given must hold together.
struct SelectionOptions: ParsableArguments {
  @Option(name: .customLong("id"), help: "The message of this queue ID; may be repeated.", transform: Parse.queueID)
  var ids: [QueueID] = []
  @Option(help: "Recipients of this domain.", transform: Parse.destination)
  var destination: Mailbox.Host?
  @Option(help: "Messages of this tenant.")
  var tenant: String?
  @Option(
    name: .customLong("state"), help: "Recipients in this state, such as deferred or held; may be repeated.",
    transform: Parse.state)
  var states: [RecipientState] = []

  var isEmpty: Bool { ids.isEmpty && destination == nil && tenant == nil && states.isEmpty }

  var selection: QueueSelection {
    QueueSelection(
      ids: ids.isEmpty ? nil : Set(ids), tenant: tenant, destination: destination,
      states: states.isEmpty ? nil : Set(states))
  }

  /// The same, of recipients that are not final where neither states nor messages are named.
  var openByDefault: QueueSelection {
    var selection = selection
    if states.isEmpty, ids.isEmpty { selection.states = Set(RecipientState.allCases.filter { !$0.isFinal }) }
    return selection
  }
}
