import DeliveryQueue
import MailModel

/// A message's status as it is printed.
struct StatusReport: Encodable {
  struct Order: Encodable {
    let action: String
    let by: String
    let reason: String
    let at: String

    init(_ order: QueueOrder) {
      (action, by, reason) = (order.action.rawValue, order.operator, order.reason)
      at = order.at.description
    }
  }

  struct Recipient: Encodable {
    let address: String
    let state: String
    let attempts: Int
    let reply: String?
    let nextAttempt: String?
    let order: Order?

    private enum CodingKeys: CodingKey { case address, state, attempts, reply, nextAttempt, order }

    /// By hand, since what there is not is null.
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(address, forKey: .address)
      try container.encode(state, forKey: .state)
      try container.encode(attempts, forKey: .attempts)
      try container.encode(reply, forKey: .reply)
      try container.encode(nextAttempt, forKey: .nextAttempt)
      try container.encode(order, forKey: .order)
    }
  }

  let queueID: String
  let tenant: String?
  let sender: String
  let acceptedAt: String
  let size: Int
  let recipients: [Recipient]

  private enum CodingKeys: CodingKey { case queueID, tenant, sender, acceptedAt, size, recipients }
  private let status: MessageStatus

  init(_ status: MessageStatus) {
    self.status = status
    queueID = status.id.description
    (tenant, sender, size) = (status.tenant, status.reversePath.description, status.size)
    acceptedAt = status.acceptedAt.description
    recipients = status.recipients.map {
      Recipient(
        address: $0.path.description, state: $0.state.rawValue, attempts: $0.attempts, reply: $0.reply?.description,
        nextAttempt: $0.nextAttempt?.description, order: $0.order.map(Order.init))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(queueID, forKey: .queueID)
    try container.encode(tenant, forKey: .tenant)
    try container.encode(sender, forKey: .sender)
    try container.encode(acceptedAt, forKey: .acceptedAt)
    try container.encode(size, forKey: .size)
    try container.encode(recipients, forKey: .recipients)
  }

  var text: String {
    let head = "\(queueID)  \(acceptedAt)  \(size) octets  from <\(sender)>"
    return ([head] + status.recipients.map(Self.text)).joined(separator: "\n")
  }

  private static func text(of recipient: RecipientStatus) -> String {
    let attempts = recipient.attempts == 1 ? "1 attempt" : "\(recipient.attempts) attempts"
    let next = recipient.nextAttempt.map { ", next \($0)" } ?? ""
    var lines = ["  <\(recipient.path)>  \(recipient.state.rawValue), \(attempts)\(next)"]
    if let reply = recipient.reply { lines.append("      \(reply)") }
    if let order = recipient.order {
      let reason = order.reason.isEmpty ? "" : ": \(order.reason)"
      lines.append("      \(order.action.rawValue) by \(order.operator) at \(order.at)\(reason)")
    }
    return lines.joined(separator: "\n")
  }
}
