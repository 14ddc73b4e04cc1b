import MailModel
import NIOCore
import SMTPProtocol
import Synchronization

/// When the messages of a load set out, and when they came to the host to which they were sent in the end.
final class Arrivals: Sendable {
  private struct State {
    var departures: [Int: NIODeadline] = [:]
    var arrivals: [Int: NIODeadline] = [:]
    /// How many are waited for, and what is told once they are here.
    var waiting: (count: Int, continuation: CheckedContinuation<Void, Never>)?
  }

  private let state = Mutex(State())

  func departed(_ number: Int, at instant: NIODeadline) {
    state.withLock { $0.departures[number] = instant }
  }

  /// A message is here; what comes a second time does not count.
  func arrived(_ number: Int) {
    let now = NIODeadline.now()
    let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
      if state.arrivals[number] == nil { state.arrivals[number] = now }
      guard let waiting = state.waiting, state.arrivals.count >= waiting.count else { return nil }
      state.waiting = nil
      return waiting.continuation
    }
    waiting?.resume()
  }

  /// Returns when so many are here, or the time is up.
  func wait(for count: Int, atMost limit: Duration) async {
    await withTaskGroup { group in
      group.addTask {
        await withCheckedContinuation { continuation in
          let isOver = self.state.withLock { state in
            if state.arrivals.count < count { state.waiting = (count, continuation) }
            return state.arrivals.count >= count
          }
          if isOver { continuation.resume() }
        }
      }
      group.addTask {
        try? await Task.sleep(for: limit)
        self.state.withLock { $0.waiting.take() }?.continuation.resume()
      }
      await group.next()
      group.cancelAll()
    }
  }

  /// How long each took that arrived.
  var times: [TimeAmount] {
    state.withLock { state in
      state.arrivals.compactMap { number, arrival in state.departures[number].map { arrival - $0 } }
    }
  }

  /// From the first departure to the last arrival.
  var span: TimeAmount? {
    state.withLock { state in
      guard let first = state.departures.values.min(), let last = state.arrivals.values.max() else { return nil }
      return last - first
    }
  }
}

/// The policy of the host to which messages are sent in the end: lets everybody in, and tells of each message that it is here.
struct ArrivalPolicy: SubmissionPolicy {
  let arrivals: Arrivals

  func connect(_ connection: ConnectionFacts) async -> ConnectionDecision<ArrivalSession> {
    .accept(ArrivalSession(arrivals: arrivals))
  }
}

struct ArrivalSession: PolicySession {
  let arrivals: Arrivals

  func mechanisms(_ tls: TLSFacts) -> [String] { [] }

  var extensions: MailExtensions { [.eightBitMIME, .smtpUTF8] }

  func authenticate(_ mechanism: String) async -> NoExchange { NoExchange() }

  func sender(_ sender: SenderRequest) async -> PolicyDecision { .accept }

  func recipient(_ recipient: Recipient) async -> PolicyDecision { .accept }

  func beginMessage(_ message: MessageRequest) async -> MessageDecision<ArrivalSink> {
    .accept(ArrivalSink(arrivals: arrivals))
  }
}

/// For a host that offers no AUTH.
struct NoExchange: AuthenticationExchange {
  func step(_ response: [UInt8]?) async -> AuthenticationStep {
    .failure(SMTPReply(535, EnhancedStatusCode("5.7.8"), "No"))
  }
}

/// Looks for a message's number in its beginning, and forgets the rest.
final class ArrivalSink: MessageSink {
  private let arrivals: Arrivals
  private let beginning = Mutex<[UInt8]>([])

  init(arrivals: Arrivals) { self.arrivals = arrivals }

  func write(_ octets: Span<UInt8>) -> Bool {
    beginning.withLock { beginning in
      for index in 0..<min(octets.count, Message.numberLimit - beginning.count) { beginning.append(octets[index]) }
    }
    return true
  }

  func drained() async {}

  func finish() async -> SMTPReply {
    if let number = Message.number(in: beginning.withLock { $0 }) { arrivals.arrived(number) }
    return SMTPReply(250, EnhancedStatusCode("2.0.0"), "Ok: here")
  }

  func abort() {}
}
