public import MailDNS
import MailModel
import Synchronization

/// A DNS that a test writes itself: zones in memory, failures where it wants them, and a list of what was asked.
///
/// A name that has records, or stands above one that has, exists; every other does not. Aliases are followed, as a resolver does.
/// A change is seen by the next question.
public final class ScriptedDNS: DNSResolver {
  fileprivate struct State: Sendable {
    var records: [DNSQuestion: [DNSRecord]] = [:]
    var outcomes: [DNSQuestion: DNSAnswer.Outcome] = [:]
    var timeToLive: Duration = .seconds(300)
    var isAuthenticated = false
    var questions: [DNSQuestion] = []
  }
  /// Aliases in a row that are followed.
  fileprivate static let aliasLimit = 8
  private let state = Mutex(State())

  /// A DNS in which no name exists.
  public init() {}

  /// The questions so far, in order.
  public var questions: [DNSQuestion] { state.withLock { $0.questions } }

  /// How long each answer may be remembered; five minutes by default.
  public var timeToLive: Duration {
    get { state.withLock { $0.timeToLive } }
    set { state.withLock { $0.timeToLive = newValue } }
  }

  /// Whether answers bear the AD bit; by default not.
  public var isAuthenticated: Bool {
    get { state.withLock { $0.isAuthenticated } }
    set { state.withLock { $0.isAuthenticated = newValue } }
  }

  /// Publishes records of one type at a name, in place of those of that type; none takes them away, and every outcome that was set.
  public func set(_ name: DNSName, _ type: DNSRecordType, _ records: [DNSRecord]) {
    let question = DNSQuestion(name, type)
    state.withLock { state in
      state.records[question] = records.isEmpty ? nil : records
      state.outcomes[question] = nil
    }
  }

  /// Publishes TXT records at a name, in place of those that are there.
  public func set(_ name: DNSName, texts: String...) { set(name, .txt, texts.map { .text(DNSText($0)) }) }

  /// Answers a question so, whatever is published.
  public func set(_ question: DNSQuestion, _ outcome: DNSAnswer.Outcome) {
    state.withLock { $0.outcomes[question] = outcome }
  }

  /// ``MailDNS/DNSResolver``.
  public func resolve(_ question: DNSQuestion) async -> DNSAnswer {
    guard !Task.isCancelled else { return DNSAnswer(.temporaryFailure("cancelled")) }
    return state.withLock { state in
      state.questions.append(question)
      return state.answer(question)
    }
  }
}

extension ScriptedDNS.State {
  fileprivate func answer(_ question: DNSQuestion) -> DNSAnswer {
    var name = question.name
    var aliases: [DNSName] = []
    while true {
      let step = DNSQuestion(name, question.type)
      if let outcome = outcomes[step] { return answer(outcome, aliases) }
      if let found = records[step] { return answer(.records(found), aliases) }
      guard question.type != .cname, case .alias(let target)? = records[DNSQuestion(name, .cname)]?.first else {
        return answer(exists(name) ? .noRecords : .noSuchName, aliases)
      }
      guard aliases.count < ScriptedDNS.aliasLimit else { return answer(.malformed("too many aliases"), aliases) }
      aliases.append(target)
      name = target
    }
  }

  private func answer(_ outcome: DNSAnswer.Outcome, _ aliases: [DNSName]) -> DNSAnswer {
    DNSAnswer(outcome, timeToLive: timeToLive, isAuthenticated: isAuthenticated, aliases: aliases)
  }

  private func exists(_ name: DNSName) -> Bool {
    records.keys.contains { $0.name.isWithin(name) } || outcomes.keys.contains { $0.name.isWithin(name) }
  }
}
