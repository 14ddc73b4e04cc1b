package import MailModel

// What an order does to one recipient: the one truth of every store.

extension QueueOrder {
  /// Whether it changes a recipient in this state.
  package func concerns(_ state: RecipientState) -> Bool {
    switch action {
    case .hold, .retry: state.isDue
    case .release: state == .held
    case .bounce, .remove: !state.isFinal
    }
  }

  /// The state of a recipient that it concerns, afterwards.
  package func state(after state: RecipientState, attempts: Int) -> RecipientState {
    switch action {
    case .hold: .held
    case .release: attempts > 0 ? .deferred : .queued
    case .retry: state
    case .bounce: .bounced
    case .remove: .removed
    }
  }

  /// When a recipient that it brought into this state is tried next; `nil` for what is held or final.
  package func due(in state: RecipientState) -> Timestamp? { state.isDue ? at : nil }

  /// What stands in the place of the next host's reply afterwards; `nil` keeps the earlier one.
  package var reply: DeliveryReply? { action == .bounce ? DeliveryReply(problem: reason) : nil }
}

extension QueueSelection {
  /// Those of the selected recipients that an order changes.
  package func concerned(by order: QueueOrder) -> QueueSelection {
    var concerned = self
    concerned.states = (states ?? Set(RecipientState.allCases)).filter(order.concerns)
    return concerned
  }
}
