public import MailDNS
import Synchronization

/// A DNS that a test writes itself: zones in memory, failures and delays where it wants them, and a list of what was
/// asked.
///
/// ```swift
/// let dns = try ScriptedDNS(zone: """
///   example.com.      300 TXT "v=spf1 mx -all"
///   example.com.          MX  10 mx.example.com.
///   mx.example.com.       A   192.0.2.1
///   """)
/// dns.set(DNSQuestion(name, .txt), .temporaryFailure("SERVFAIL"), times: 2)
/// ```
///
/// A name that has records, or stands above one that has, exists (RFC 8020 §2); every other does not. Wildcards (RFC
/// 4592) answer, and aliases are followed, as a resolver does; a DNAME is none of its types. A change is seen by the
/// next question.
public final class ScriptedDNS: DNSResolver {
  private struct State: Sendable {
    var zone = ScriptedZone()
    var questions: [DNSQuestion] = []
    var counts: [DNSQuestion: Int] = [:]
    var isHeld = false
    var held: Set<DNSQuestion> = []
    /// Those who wait for an answer that is held.
    var waiting: [DNSQuestion: [Gate]] = [:]
    /// Those who wait for a question to be asked so many times.
    var watchers: [(question: DNSQuestion, times: Int, gate: Gate)] = []

    /// Notes a question, and takes out those who waited for no more than it.
    mutating func note(_ question: DNSQuestion) -> [Gate] {
      questions.append(question)
      counts[question, default: 0] += 1
      let reached = watchers.filter { counts[$0.question, default: 0] >= $0.times }
      watchers.removeAll { counts[$0.question, default: 0] >= $0.times }
      return reached.map(\.gate)
    }

    func isHeld(_ question: DNSQuestion) -> Bool { isHeld || held.contains(question) }
  }
  /// Opened by its end; whoever waits at it goes on then, or when its task is cancelled.
  private typealias Gate = AsyncStream<Void>.Continuation

  /// Aliases in a row that are followed: 8. One more is a malformed answer, and so a circle is.
  public static let aliasLimit = 8
  private let state = Mutex(State())

  /// A DNS in which no name exists.
  public init() {}

  /// A DNS with the records of a zone; see ``publish(zone:)``.
  public init(zone: String) throws(ZoneError) { try publish(zone: zone) }

  /// ``MailDNS/DNSResolver``.
  public func resolve(_ question: DNSQuestion) async -> DNSAnswer {
    guard !Task.isCancelled else { return .cancelled }
    await pass(question)
    guard !Task.isCancelled else { return .cancelled }
    return state.withLock { $0.zone.answer(question) }
  }

  /// Notes that a question was asked, and waits as long as its answer is held.
  private func pass(_ question: DNSQuestion) async {
    let (gates, isHeld) = state.withLock { ($0.note(question), $0.isHeld(question)) }
    for gate in gates { gate.finish() }
    guard isHeld else { return }
    await wait { state, gate in
      guard state.isHeld(question) else { return true }
      state.waiting[question, default: []].append(gate)
      return false
    }
  }

  /// Waits at a gate, unless `isOpen` says that there is no need; otherwise it leaves the gate with whom opens it.
  private func wait(_ isOpen: (inout State, Gate) -> Bool) async {
    let (stream, gate) = AsyncStream<Void>.makeStream()
    guard !state.withLock({ isOpen(&$0, gate) }) else { return }
    for await _ in stream {}
  }
}

// What is published.
extension ScriptedDNS {
  /// How long answers may be remembered that have no time of their own; five minutes by default.
  public var timeToLive: Duration {
    get { state.withLock { $0.zone.timeToLive } }
    set { state.withLock { $0.zone.timeToLive = newValue } }
  }

  /// Whether answers bear the AD bit; by default not.
  public var isAuthenticated: Bool {
    get { state.withLock { $0.zone.isAuthenticated } }
    set { state.withLock { $0.zone.isAuthenticated = newValue } }
  }

  /// Publishes records of one type at a name, in place of those of that type; none takes them away. An outcome that was
  /// set for that question goes too.
  ///
  /// - Parameter timeToLive: how long they may be remembered; `nil` for what holds for all.
  public func set(_ name: DNSName, _ type: DNSRecordType, _ records: [DNSRecord], timeToLive: Duration? = nil) {
    let question = DNSQuestion(name, type)
    state.withLock { state in
      state.zone.sets[question] = records.isEmpty ? nil : .init(records: records, timeToLive: timeToLive)
      state.zone.outcomes[question] = nil
    }
  }

  /// Publishes TXT records at a name, in place of those that are there.
  public func set(_ name: DNSName, texts: String...) { set(name, .txt, texts.map { .text(DNSText($0)) }) }

  /// Answers a question so, whatever is published, also where an alias leads to it.
  ///
  /// - Parameters:
  ///   - timeToLive: how long that may be remembered; `nil` for what holds for all, and for zero where it is a failure.
  ///   - times: how many times, before what is published answers again; `nil` for always.
  public func set(
    _ question: DNSQuestion, _ outcome: DNSAnswer.Outcome, timeToLive: Duration? = nil, times: Int? = nil
  ) {
    state.withLock {
      $0.zone.outcomes[question] =
        times == 0 ? nil : .init(outcome: outcome, timeToLive: timeToLive, remaining: times)
    }
  }

  /// Publishes the records of a zone as master files write it (RFC 1035 §5), in a simple form: on each line a name, a
  /// TTL in seconds if it has one, perhaps `IN`, a type and its data. In place of what is published of the same name
  /// and type.
  ///
  /// - Names are whole, with or without a dot at the end; no line borrows its name from the one before, and blanks in
  ///   front mean nothing. `;` begins a comment. Strings of TXT stand in quotes or bare, with the escapes `\"`, `\\`
  ///   and `\DDD`.
  /// - Types: A, AAAA, CNAME, MX, PTR, TLSA, TXT. The SOA gives the TTL of the answers that there is nothing at its
  ///   name and below (RFC 2308 §5). NS is read and means that the name exists.
  /// - `$TTL` gives the TTL of lines after it that have none; there are no other directives, nor parentheses.
  ///
  /// - Throws: ``ZoneError`` for the first line that cannot be read; nothing is published then.
  public func publish(zone text: String) throws(ZoneError) {
    let lines = try ZoneText(text)
    state.withLock { $0.zone.publish(lines) }
  }

  /// A line of a zone that cannot be read.
  public struct ZoneError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which, from 1.
    public var line: Int
    /// What is wrong with it.
    public var message: String
    /// `line 3: "192.0.2.256" is no IPv4 address`
    public var description: String { "line \(line): \(message)" }
  }
}

// What is asked, and when it is answered.
extension ScriptedDNS {
  /// The questions so far, in the order in which they came; not those of tasks that were cancelled before.
  public var questions: [DNSQuestion] { state.withLock { $0.questions } }

  /// Returns when a question was asked so many times, since the beginning; when this task is cancelled, too.
  public func asked(_ question: DNSQuestion, times: Int = 1) async {
    await wait { state, gate in
      guard state.counts[question, default: 0] < times else { return true }
      state.watchers.append((question, times, gate))
      return false
    }
  }

  /// Answers a question only when it is released: whoever asks waits until then, or until its task is cancelled.
  public func hold(_ question: DNSQuestion) { state.withLock { _ = $0.held.insert(question) } }

  /// Answers no question until all are released.
  public func holdAll() { state.withLock { $0.isHeld = true } }

  /// Answers a question again, with what is published now; that of those who wait, too.
  public func release(_ question: DNSQuestion) {
    let gates = state.withLock { state in
      state.held.remove(question)
      return state.isHeld ? [] : state.waiting.removeValue(forKey: question) ?? []
    }
    for gate in gates { gate.finish() }
  }

  /// Answers every question again.
  public func releaseAll() {
    let waiting = state.withLock { state in
      (state.isHeld, state.held) = (false, [])
      defer { state.waiting = [:] }
      return state.waiting
    }
    for gate in waiting.values.joined() { gate.finish() }
  }
}

extension DNSAnswer {
  fileprivate static let cancelled = DNSAnswer(.temporaryFailure("cancelled"))
}
