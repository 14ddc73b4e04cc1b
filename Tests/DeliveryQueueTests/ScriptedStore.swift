import DeliveryQueue
import MailModel
import Synchronization

/// A store that gives the batches of a script, and keeps what it is told. What was claimed has content as long as it runs.
final class ScriptedStore: QueueStore {
  private struct State {
    var batches: [ClaimBatch] = []
    var requests: [ClaimRequest] = []
    var settlements: [Settlement] = []
    var lastToken: UInt64 = 0
  }
  private let state = Mutex(State())
  private let ids = QueueIDGenerator()
  /// Passed by each claim on its way back.
  private let gate: Gate?
  /// Whether no claim can be extended.
  private let losesClaims: Bool

  init(gate: Gate? = nil, losesClaims: Bool = false) { (self.gate, self.losesClaims) = (gate, losesClaims) }

  var requests: [ClaimRequest] { state.withLock { $0.requests } }
  var settlements: [Settlement] { state.withLock { $0.settlements } }

  /// The next claims give these, one batch each; then nothing.
  func give(_ batches: ClaimBatch...) { state.withLock { $0.batches += batches } }

  func claims(_ count: Int, at now: Timestamp, attempts: Int = 0, suspension: String? = nil) -> [Claim] {
    (0..<count).map { _ in
      let token = state.withLock { state in
        state.lastToken += 1
        return Claim.Token(state.lastToken)
      }
      var claim = Claim(
        id: ids.next(at: now), token: token, tenant: nil, reversePath: .null, parameters: MessageParameters(),
        acceptedAt: now, size: 1,
        recipients: [ClaimedRecipient(index: 0, path: .postmaster, attempts: attempts)])
      claim.suspension = suspension
      return claim
    }
  }

  func makeBody(for id: QueueID) async throws -> any MessageBodyWriter { throw QueueError(.closed, "no bodies here") }
  func enqueue(_ message: NewMessage) async throws { throw QueueError(.closed, "no messages here") }

  func claim(_ request: ClaimRequest) async throws -> ClaimBatch {
    state.withLock { $0.requests.append(request) }
    await gate?.pass()
    return state.withLock { state in
      state.batches.isEmpty ? ClaimBatch(claims: [], nextDue: nil) : state.batches.removeFirst()
    }
  }

  func extend(_ tokens: [Claim.Token], until leasedUntil: Timestamp) async throws -> [Claim.Token] {
    losesClaims ? [] : tokens
  }
  func settle(_ settlement: Settlement) async throws { state.withLock { $0.settlements.append(settlement) } }
  func content(of id: QueueID) async throws -> any MessageContent { OneOctet() }
}

private struct OneOctet: MessageContent {
  var count: Int { 1 }
  func read(from offset: Int, limit: Int) async throws -> [UInt8] { offset == 0 ? [65] : [] }
}
