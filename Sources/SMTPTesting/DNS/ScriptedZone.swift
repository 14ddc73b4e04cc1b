import MailDNS

/// What a ``ScriptedDNS`` knows, and how it answers from it.
struct ScriptedZone: Sendable {
  /// The records of one name and type.
  struct RecordSet: Sendable {
    var records: [DNSRecord]
    var timeToLive: Duration?
  }
  /// What is answered instead of what is published.
  struct Outcome: Sendable {
    var outcome: DNSAnswer.Outcome
    var timeToLive: Duration?
    /// How often; `nil` for always.
    var remaining: Int?
  }

  var sets: [DNSQuestion: RecordSet] = [:]
  var outcomes: [DNSQuestion: Outcome] = [:]
  /// Names that exist by records of types that nobody can ask for.
  var bareNames: Set<DNSName> = []
  /// How long answers may be remembered that there is nothing at a name and below.
  var negativeTimesToLive: [DNSName: Duration] = [:]
  var timeToLive: Duration = .seconds(300)
  var isAuthenticated = false

  mutating func publish(_ text: ZoneText) {
    for (question, set) in text.sets {
      sets[question] = set
      outcomes[question] = nil
    }
    bareNames.formUnion(text.bareNames)
    negativeTimesToLive.merge(text.negativeTimesToLive) { $1 }
  }

  /// The answer, aliases followed. What is answered a number of times is used up by it.
  mutating func answer(_ question: DNSQuestion) -> DNSAnswer {
    var name = question.name
    var aliases: [DNSName] = []
    var shortest: Duration?
    func answer(_ outcome: DNSAnswer.Outcome, _ time: Duration) -> DNSAnswer {
      DNSAnswer(
        outcome, timeToLive: min(time, shortest ?? time), isAuthenticated: isAuthenticated, aliases: aliases)
    }
    while true {
      if let set = use(DNSQuestion(name, question.type)) {
        return answer(set.outcome, set.timeToLive ?? defaultTime(set.outcome, at: name))
      }
      guard let owner = owner(of: name) else { return answer(.noSuchName, negativeTime(at: name)) }
      if let set = sets[DNSQuestion(owner, question.type)] {
        return answer(.records(set.records), set.timeToLive ?? timeToLive)
      }
      guard let set = sets[DNSQuestion(owner, .cname)], case .alias(let target)? = set.records.first else {
        return answer(.noRecords, negativeTime(at: name))
      }
      guard aliases.count < ScriptedDNS.aliasLimit else { return answer(.malformed("too many aliases"), .zero) }
      let time = set.timeToLive ?? timeToLive
      (name, shortest) = (target, min(time, shortest ?? time))
      aliases.append(target)
    }
  }

  private mutating func use(_ question: DNSQuestion) -> Outcome? {
    guard let outcome = outcomes[question] else { return nil }
    if let remaining = outcome.remaining {
      outcomes[question] = nil
      if remaining > 1 {
        outcomes[question] = Outcome(
          outcome: outcome.outcome, timeToLive: outcome.timeToLive, remaining: remaining - 1)
      }
    }
    return outcome
  }

  private func defaultTime(_ outcome: DNSAnswer.Outcome, at name: DNSName) -> Duration {
    switch outcome {
    case .noRecords, .noSuchName: negativeTime(at: name)
    case .temporaryFailure, .malformed: .zero
    case .records: timeToLive
    }
  }

  private func negativeTime(at name: DNSName) -> Duration {
    var zone: DNSName? = name
    while let apex = zone {
      if let time = negativeTimesToLive[apex] { return time }
      zone = apex.parent
    }
    return timeToLive
  }

  /// Whose records answer for a name: its own, or those of the wildcard under the nearest name above that exists (RFC
  /// 4592 §3.3.1).
  private func owner(of name: DNSName) -> DNSName? {
    guard !exists(name) else { return name }
    var encloser = name.parent
    while let above = encloser, !exists(above) { encloser = above.parent }
    guard let wildcard = encloser?.prefixed("*"), exists(wildcard) else { return nil }
    return wildcard
  }

  private func exists(_ name: DNSName) -> Bool {
    sets.keys.contains { $0.name.isWithin(name) } || bareNames.contains { $0.isWithin(name) }
      || outcomes.contains { $0.value.outcome != .noSuchName && $0.key.name.isWithin(name) }
  }
}
