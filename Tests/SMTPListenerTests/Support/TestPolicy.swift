import MailModel
import SMTPProtocol
import Synchronization

@testable import SMTPListener

/// Accepts everything, writes down what it is asked, and waits where a gate stands.
final class TestPolicy: SubmissionPolicy {
  struct Script: Sendable {
    var refusal: SMTPReply?
    /// What the answer to a question waits for.
    var connectGate: Gate?
    var senderGate: Gate?
    var finishGate: Gate?
    /// The sink says that it is full at the write that reaches so many octets, and then waits for the gate.
    var fullAt: (octets: Int, gate: Gate)?
  }

  let script: Script
  let log = EventLog()
  private let asked = Mutex<[ConnectionFacts]>([])

  /// What it was told of connections, in order.
  var connections: [ConnectionFacts] { asked.withLock { $0 } }

  init(_ script: Script = Script()) { self.script = script }

  func connect(_ connection: ConnectionFacts) async -> ConnectionDecision<Session> {
    asked.withLock { $0.append(connection) }
    log.record("connect")
    await script.connectGate?.passed()
    return script.refusal.map { .refuse($0) } ?? .accept(Session(policy: self))
  }

  struct Session: PolicySession {
    let policy: TestPolicy

    func mechanisms(_ tls: TLSFacts) -> [String] {
      policy.log.record("mechanisms \(tls.version)")
      return ["PLAIN"]
    }
    var extensions: MailExtensions { .all }
    func authenticate(_ mechanism: String) async -> Exchange { Exchange() }
    func sender(_ sender: SenderRequest) async -> PolicyDecision {
      policy.log.record("sender \(sender.reversePath)")
      await policy.script.senderGate?.passed()
      if Task.isCancelled { policy.log.record("cancelled") }
      return .accept
    }
    func recipient(_ recipient: Recipient) async -> PolicyDecision { .accept }
    func beginMessage(_ message: MessageRequest) async -> MessageDecision<Sink> {
      policy.log.record("message \(message.protocolKeyword)")
      return .accept(Sink(policy: policy))
    }
  }

  struct Exchange: AuthenticationExchange {
    func step(_ response: [UInt8]?) async -> AuthenticationStep {
      response == Array("\0user\0secret".utf8)
        ? .success(identity: "user")
        : .failure(SMTPReply(535, EnhancedStatusCode("5.7.8"), "Authentication credentials invalid"))
    }
  }

  final class Sink: MessageSink {
    private struct State {
      var octets = 0
      var isFull = false
      var wasFull = false
      var hasEnded = false
    }
    private let policy: TestPolicy
    private let state = Mutex(State())

    init(policy: TestPolicy) { self.policy = policy }

    func write(_ octets: Span<UInt8>) -> Bool {
      let (isFull, isWrong) = state.withLock { state in
        let isWrong = state.isFull || state.hasEnded
        state.octets += octets.count
        if let limit = policy.script.fullAt, state.octets >= limit.octets, !state.wasFull {
          (state.isFull, state.wasFull) = (true, true)
        }
        return (state.isFull, isWrong)
      }
      if isWrong { policy.log.record("wrong write") }
      if isFull { policy.log.record("full") }
      return !isFull
    }

    func drained() async {
      policy.log.record("draining")
      await policy.script.fullAt?.gate.passed()
      state.withLock { $0.isFull = false }
    }

    func finish() async -> SMTPReply {
      end("finish")
      await policy.script.finishGate?.passed()
      policy.log.record(Task.isCancelled ? "finish was cancelled" : "finished")
      return SMTPReply(250, EnhancedStatusCode("2.0.0"), "Ok: \(state.withLock { $0.octets }) octets")
    }

    func abort() { end("abort") }

    private func end(_ word: String) {
      let isSecond = state.withLock { state in
        defer { state.hasEnded = true }
        return state.hasEnded
      }
      policy.log.record(isSecond ? "second \(word)" : word)
    }
  }
}

/// Stands shut until it is opened. A cancelled task passes it too.
final class Gate: Sendable {
  private let latch = Latch<Void>()
  func open() { latch.settle(.success(())) }
  func passed() async { try? await latch.value() }
}

/// What happened, in order; and a way to wait for it.
final class EventLog: Sendable {
  private struct State {
    var events: [String] = []
    var waiters: [(event: String, latch: Latch<Void>)] = []
  }
  private let state = Mutex(State())

  var events: [String] { state.withLock { $0.events } }

  func count(of event: String) -> Int { events.count { $0 == event } }

  func record(_ event: String) {
    let waiters = state.withLock { state in
      state.events.append(event)
      let waiters = state.waiters.filter { $0.event == event }
      state.waiters.removeAll { $0.event == event }
      return waiters
    }
    for waiter in waiters { waiter.latch.settle(.success(())) }
  }

  /// Returns when `event` has happened.
  func wait(for event: String) async throws {
    let latch = state.withLock { state -> Latch<Void>? in
      guard !state.events.contains(event) else { return nil }
      let latch = Latch<Void>()
      state.waiters.append((event, latch))
      return latch
    }
    try await latch?.value()
  }
}
