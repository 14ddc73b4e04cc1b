public import MailModel

/// Changes a queue at an operator's word.
public protocol QueueControl: Sendable {
  /// Does to the selected recipients what the order says, as far as they are in a state that it concerns
  /// (``QueueOrder/Action``), and keeps the operator's name and reason with each that it changed
  /// (``RecipientStatus/order``).
  ///
  /// An order is like a claim of its own: what a delivery holds at the time is left alone, since its outcome is not
  /// known, and is named in the result; what the order holds is not claimed meanwhile. A message's recipients change
  /// together, or not at all. A large order is carried out in several steps, one order at a time; where a step fails or
  /// the caller's task is cancelled, what the steps before did stays, and the rest is unharmed.
  ///
  /// A ``DeliveryService`` that runs does not hear of it: ``DeliveryService/wake()`` afterwards, whatever came of the
  /// order, lets it look at what is due now.
  ///
  /// - Throws: ``QueueError``, with the codes of ``QueueStore/settle(_:)``; `CancellationError` between two steps.
  func apply(_ order: QueueOrder, to selection: QueueSelection) async throws -> QueueOrderResult
}

/// What an operator wants.
public struct QueueOrder: Hashable, Sendable {
  /// What is to happen.
  public enum Action: String, Hashable, Sendable, CaseIterable {
    /// No attempt until it is released. For recipients that are queued or deferred, which become
    /// ``RecipientState/held``.
    case hold
    /// A recipient that is held is due at once, in the state that it had before.
    case release
    /// A recipient that is queued or deferred is due at once.
    case retry
    /// A recipient that is not final becomes ``RecipientState/bounced``, with the reason as the reply.
    case bounce
    /// A recipient that is not final becomes ``RecipientState/removed``: nobody is told.
    case remove
  }

  /// What is to happen.
  public let action: Action
  /// Who wants it: at most 100 characters; what is over is cut, what is no visible character becomes `?`.
  public let `operator`: String
  /// Why: at most 500 characters, likewise.
  public let reason: String
  /// When it was given.
  public let at: Timestamp

  /// An order of these parts.
  public init(_ action: Action, by operator: String, because reason: String, at instant: Timestamp) {
    self.action = action
    self.operator = VisibleText.of(`operator`, limit: 100)
    self.reason = VisibleText.of(reason, limit: 500)
    at = instant
  }
}

/// What came of an order.
public struct QueueOrderResult: Hashable, Sendable {
  /// Messages of which it changed a recipient.
  public var messages = 0
  /// Recipients that it changed.
  public var recipients = 0
  /// Selected messages whose delivery was being attempted just then, and which were left alone, in the order of their names:
  /// the order can be given for them again.
  public var underAttempt: [QueueID] = []

  /// Nothing changed.
  public init() {}
}
