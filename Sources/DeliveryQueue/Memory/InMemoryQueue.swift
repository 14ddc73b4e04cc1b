import MailModel

/// The state of an ``InMemoryQueueStore``: a value, changed by one call at a time.
struct InMemoryQueue: Sendable {
  struct Message: Sendable {
    var status: MessageStatus
    var priority: MessagePriority
    var parameters: MessageParameters
    /// What the sender asks for each recipient.
    var recipientParameters: [RecipientParameters]
    /// `nil` once all recipients are final.
    var content: InMemoryContent?
  }

  struct Body: Sendable {
    var octets: [UInt8] = []
    var isFinished = false
  }

  let limits: QueueLimits
  var ledger: ClaimLedger
  private(set) var messages: [Int64: Message] = [:]
  /// Ascending.
  private(set) var order: [QueueID] = []
  /// In the order in which they were finished.
  private var finished: [QueueID] = []
  private let finishedMessages: Int
  var bodies: [String: Body] = [:]
  var bodyOctets = 0
  private var lastBody = 0

  init(limits: QueueLimits, finishedMessages: Int) {
    self.limits = limits
    ledger = ClaimLedger(limits: limits)
    self.finishedMessages = max(0, finishedMessages)
  }
}

// MARK: - Bodies on their way in

extension InMemoryQueue {
  mutating func openBody(for id: QueueID) -> String {
    lastBody += 1
    let name = "\(id)-\(lastBody)"
    bodies[name] = Body()
    return name
  }

  mutating func append(_ octets: [UInt8], to name: String) throws(QueueError) {
    guard bodies[name]?.isFinished == false else { throw QueueError(.closed, "the body is complete or discarded") }
    guard ledger.fits(octets.count, elsewhere: bodyOctets) else {
      throw QueueError(.insufficientStorage, "too many octets queued")
    }
    bodies[name]?.octets += octets
    bodyOctets += octets.count
  }

  mutating func finishBody(_ name: String) throws(QueueError) -> SpooledBody {
    guard let body = bodies[name] else { throw QueueError(.closed, "the body was discarded") }
    bodies[name]?.isFinished = true
    return SpooledBody(name: name, count: body.octets.count)
  }

  mutating func discardBody(_ name: String) {
    guard let body = bodies.removeValue(forKey: name) else { return }
    bodyOctets -= body.octets.count
  }

  private func octets(of body: MessageBody) throws(QueueError) -> [UInt8] {
    switch body {
    case .octets(let octets): return octets
    case .spooled(let spooled):
      guard let body = bodies[spooled.name], body.isFinished, body.octets.count == spooled.count else {
        throw QueueError(.invalidMessage, "a body that this store did not write")
      }
      return body.octets
    }
  }
}

// MARK: - The life of a message

extension InMemoryQueue {
  mutating func enqueue(_ message: NewMessage) throws(QueueError) {
    try validate(message)
    let spooled = if case .spooled = message.body { message.body.count } else { 0 }
    try ledger.reserve(size: message.size, elsewhere: bodyOctets - spooled)
    try keep(message)
    ledger.insertReserved(ClaimLedger.Entry(message))
  }

  mutating func claim(_ request: ClaimRequest) -> ClaimBatch {
    let claimed = ledger.claim(request)
    let claims = claimed.grants.compactMap { grant in
      messages[grant.sequence].map { claim(of: $0, by: grant, at: request.now) }
    }
    return ClaimBatch(claimed, claims: claims)
  }

  private func claim(of message: Message, by grant: ClaimLedger.Grant, at now: Timestamp) -> Claim {
    let status = message.status
    let due = status.recipients.enumerated().filter { _, recipient in
      recipient.nextAttempt.map { $0 <= now } ?? false && grant.covers(recipient.path.destination)
    }
    var claim = Claim(
      id: status.id, token: grant.token, tenant: status.tenant, reversePath: status.reversePath,
      parameters: message.parameters, acceptedAt: status.acceptedAt, size: status.size,
      recipients: due.map {
        ClaimedRecipient(
          index: $0.offset, path: $0.element.path, parameters: message.recipientParameters[$0.offset],
          attempts: $0.element.attempts)
      })
    (claim.site, claim.suspension) = (grant.site, grant.suspension)
    return claim
  }

  mutating func settle(_ settlement: Settlement) throws(QueueError) {
    let sequence = settlement.id.sequence
    guard var message = messages[sequence], message.status.id == settlement.id else {
      throw QueueError(.claimLost, "the claim is of no message")
    }
    try settlement.validate(recipients: message.status.recipients.count)
    for (index, new) in settlement.newMessages.enumerated() {
      try validate(new)
      for earlier in settlement.newMessages[..<index] {
        guard earlier.id.sequence != new.id.sequence else {
          throw QueueError(.invalidMessage, "a queue ID used before")
        }
        guard new.body.spooledName == nil || earlier.body.spooledName != new.body.spooledName else {
          throw QueueError(.invalidMessage, "two messages with one body")
        }
      }
    }
    let grant = try ledger.beginSettlement(settlement.token, of: sequence)
    // Recipients at other destinations are left as they are: another claim may be under way for those.
    for change in settlement.changes where grant.covers(message.status.recipients[change.index].path.destination) {
      message.status.recipients[change.index].apply(change, at: settlement.at)
    }
    record(message)
    let left = message.status.parts.filter { grant.covers($0.destination) }
    ledger.endSettlement(settlement.token, left: left, isFinished: message.status.isFinal)
    for new in settlement.newMessages {
      try keep(new)
      ledger.insert(ClaimLedger.Entry(new))
    }
    if message.status.isFinal { finish(settlement.id) }
  }

  /// Keeps what became of a message; without recipients left, its content goes.
  private mutating func record(_ message: Message) {
    messages[message.status.id.sequence] = message
    if message.status.isFinal { messages[message.status.id.sequence]?.content = nil }
  }

  func content(of id: QueueID) throws(QueueError) -> InMemoryContent {
    guard let message = messages[id.sequence], message.status.id == id, let content = message.content else {
      throw QueueError(.noSuchMessage, "no message of that name has content")
    }
    return content
  }

  private func validate(_ message: NewMessage) throws(QueueError) {
    try message.validate()
    guard messages[message.id.sequence] == nil else { throw QueueError(.invalidMessage, "a queue ID used before") }
    _ = try octets(of: message.body)
  }

  private mutating func keep(_ message: NewMessage) throws(QueueError) {
    let content = InMemoryContent(prefix: message.prefix, body: try octets(of: message.body))
    if case .spooled(let body) = message.body { discardBody(body.name) }
    let recipients = message.envelope.recipients.map { RecipientStatus(queued: $0.path, at: message.acceptedAt) }
    messages[message.id.sequence] = Message(
      status: MessageStatus(
        id: message.id, tenant: message.tenant, reversePath: message.envelope.reversePath,
        acceptedAt: message.acceptedAt, size: message.size, recipients: recipients),
      priority: message.priority, parameters: message.envelope.parameters,
      recipientParameters: message.envelope.recipients.map(\.parameters),
      content: content)
    order.insert(message.id, at: position(behind: message.id))
  }

  /// Remembers a finished message, and forgets the earliest ones when they have become an eighth too many.
  private mutating func finish(_ id: QueueID) {
    finished.append(id)
    let excess = finished.count - finishedMessages
    guard excess > finishedMessages / 8 else { return }
    for id in finished.prefix(excess) { messages[id.sequence] = nil }
    finished.removeFirst(excess)
    order.removeAll { messages[$0.sequence] == nil }
  }
}

// MARK: - Orders

extension InMemoryQueue {
  mutating func apply(_ order: QueueOrder, to selection: QueueSelection) -> QueueOrderResult {
    let selection = selection.concerned(by: order)
    let selected = messages.values.lazy.map(\.status).filter(selection.contains).map(\.id.sequence)
    let (taken, claimed) = ledger.take(Set(selected))
    var result = QueueOrderResult()
    result.underAttempt = claimed.compactMap { messages[$0]?.status.id }.sorted()
    for entry in taken.sorted(by: { $0.sequence < $1.sequence }) {
      guard var message = messages[entry.sequence] else { continue }
      for index in message.status.recipients.indices where selection.contains(message.status.recipients[index]) {
        if message.status.recipients[index].apply(order) { result.recipients += 1 }
      }
      result.messages += 1
      record(message)
      ledger.putBack(entry, parts: message.status.isFinal ? nil : message.status.parts)
      if message.status.isFinal { finish(message.status.id) }
    }
    return result
  }
}

// MARK: - Inspection

extension InMemoryQueue {
  func status(of id: QueueID) -> MessageStatus? {
    guard let status = messages[id.sequence]?.status, status.id == id else { return nil }
    return status
  }

  func messages(_ selection: QueueSelection, after id: QueueID?, limit: Int) -> [MessageStatus] {
    let start = id.map { position(behind: $0) } ?? 0
    let selected = order[start...].lazy.compactMap { messages[$0.sequence]?.status }.filter(selection.contains)
    return Array(selected.prefix(max(0, limit)))
  }

  func counts(_ selection: QueueSelection, by grouping: QueueGrouping, limit: Int) -> [QueueCount] {
    var tally = QueueTally()
    for message in messages.values { tally.add(message.status, selection, by: grouping) }
    return tally.greatest(limit)
  }

  func summary() -> QueueSummary {
    var summary = QueueSummary()
    for message in messages.values.lazy.map(\.status) where !message.isFinal {
      summary.messages += 1
      summary.octets += message.size
      summary.oldest = min(summary.oldest ?? message.acceptedAt, message.acceptedAt)
      for recipient in message.recipients where !recipient.state.isFinal {
        summary.recipients[recipient.state, default: 0] += 1
      }
    }
    return summary
  }

  func recipientCounts() -> [RecipientState: Int] {
    messages.values.reduce(into: [:]) { counts, message in
      for recipient in message.status.recipients { counts[recipient.state, default: 0] += 1 }
    }
  }

  /// Where in ``order`` the first queue ID above `id` stands; found at once for a new one.
  private func position(behind id: QueueID) -> Int {
    guard let last = order.last, id < last else { return order.count }
    var range = order.startIndex..<order.endIndex
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      range = order[middle] <= id ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return range.lowerBound
  }
}

extension InMemoryQueue.Message {
  /// What the ledger has of it.
  var entry: ClaimLedger.Entry {
    ClaimLedger.Entry(
      sequence: status.id.sequence, size: status.size, tenant: status.tenant, priority: priority, parts: status.parts)
  }
}

extension MessageStatus {
  /// What the ledger has of it: the destinations with recipients left.
  fileprivate var parts: [ClaimLedger.Part] {
    var due: [Mailbox.Host?: Timestamp] = [:]
    // In the order of the envelope, so that the same calls always give the same claims.
    var order: [Mailbox.Host?] = []
    for recipient in recipients where !recipient.state.isFinal {
      let destination = recipient.path.destination
      if due[destination] == nil { order.append(destination) }
      due[destination] = min(due[destination] ?? .never, recipient.nextAttempt ?? .never)
    }
    return order.map { ClaimLedger.Part(destination: $0, due: due[$0] ?? .never) }
  }
}
