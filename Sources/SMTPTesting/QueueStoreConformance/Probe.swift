import DeliveryQueue
import MailModel
import Synchronization

/// Gathers what a check finds, and makes what it needs.
final class Probe: Sendable {
  private let check: QueueStoreConformance.Check
  private let found = Mutex<[QueueStoreConformance.Failure]>([])
  private let ids = QueueIDGenerator()

  /// When a check begins: near enough to the real time that no store takes its messages for old history.
  let start: Timestamp

  init(_ check: QueueStoreConformance.Check) {
    self.check = check
    start = SystemTime().now()
  }

  var failures: [QueueStoreConformance.Failure] { found.withLock { $0 } }

  func fail(_ message: String) {
    found.withLock { $0.append(QueueStoreConformance.Failure(check: check, message: message)) }
  }

  func expect(_ isTrue: Bool, _ message: @autoclosure () -> String) {
    if !isTrue { fail(message()) }
  }

  func expectEqual<Value: Equatable>(_ value: Value, _ expected: Value, _ what: @autoclosure () -> String) {
    expect(value == expected, "\(what()): expected \(expected), found \(value)")
  }

  func expectError(_ code: QueueError.Code, _ what: String, _ body: () async throws -> Void) async {
    do {
      try await body()
      fail("\(what): expected the error \(code), but it succeeded")
    } catch let error as QueueError {
      expectEqual(error.code, code, "\(what): the error")
    } catch {
      fail("\(what): expected the error \(code), but it threw \(error)")
    }
  }

  /// An instant some seconds after the start.
  func after(_ seconds: Int) -> Timestamp { start + .seconds(seconds) }

  func newID() -> QueueID { ids.next(at: start) }

  func message(
    to recipients: [String] = ["user@example.org"], from sender: String = "sender@example.com",
    at instant: Timestamp? = nil, id: QueueID? = nil, body: MessageBody = .octets(Array("Hello\r\n".utf8)),
    parameters: MessageParameters = MessageParameters(bodyType: .eightBitMIME),
    recipientParameters: [RecipientParameters] = [], tenant: String? = "tenant", priority: MessagePriority = .normal
  ) -> NewMessage {
    let paths = recipients.compactMap { ForwardPath($0) }
    if paths.count != recipients.count { fail("a recipient of the check itself is not an address") }
    var envelope = Envelope(reversePath: ReversePath(sender) ?? .null, recipients: paths, parameters: parameters)
    for (index, asked) in recipientParameters.enumerated() { envelope.recipients[index].parameters = asked }
    return NewMessage(
      id: id ?? newID(), tenant: tenant, envelope: envelope, acceptedAt: instant ?? start,
      prefix: Array("Subject: test\r\n\r\n".utf8), body: body, priority: priority)
  }

  /// A claim request at so many seconds after the start, with a lease of a minute.
  func request(at seconds: Int = 0, limit: Int = 10) -> ClaimRequest {
    ClaimRequest(limit: limit, now: after(seconds), leasedUntil: after(seconds + 60))
  }

  /// The same where each destination is a site of its own, by rules that limit nothing but what is said.
  func request(
    at seconds: Int = 0, limit: Int = 100, bySites rules: SchedulingRules, ended: [DeliveryEnd] = []
  ) -> ClaimRequest {
    var request = request(at: seconds, limit: limit)
    (request.rules, request.ended) = (rules, ended)
    request.site = { DeliverySite($0) }
    return request
  }

  /// An order at so many seconds after the start.
  func order(_ action: QueueOrder.Action, at seconds: Int = 0) -> QueueOrder {
    QueueOrder(action, by: "operator", because: "to \(action.rawValue)", at: after(seconds))
  }

  /// The destination of an address at that domain or literal.
  func destination(_ text: String) -> Mailbox.Host? {
    let host = Mailbox("user@\(text)")?.host
    if host == nil { fail("a destination of the check itself is none") }
    return host
  }

  func settlement(
    of claim: Claim, _ state: RecipientState, at seconds: Int = 0, next: Int? = nil, new: [NewMessage] = []
  ) -> Settlement {
    let changes = claim.recipients.map { recipient in
      Settlement.Change(
        index: recipient.index, state: state, nextAttempt: next.map { after($0) },
        reply: DeliveryReply(code: state == .deferred ? 451 : 250, text: "\(state.rawValue)"))
    }
    return Settlement(id: claim.id, token: claim.token, at: after(seconds), changes: changes, newMessages: new)
  }
}

/// A check needs something that the store did not give.
struct Missing: Error, CustomStringConvertible {
  var description: String
}

extension QueueStoreConformance {
  /// Claims one message.
  func claimOne(_ store: Store, _ probe: Probe, at seconds: Int = 0) async throws -> Claim {
    let batch = try await store.claim(probe.request(at: seconds, limit: 1))
    guard let claim = batch.claims.first else { throw Missing(description: "nothing could be claimed") }
    return claim
  }

  /// The status of a message that must be known.
  func knownStatus(_ store: Store, _ id: QueueID) async throws -> MessageStatus {
    guard let status = try await store.status(of: id) else { throw Missing(description: "a message is not known") }
    return status
  }
}
