/// What became of a question.
public struct DNSAnswer: Hashable, Sendable {
  /// The kinds of an answer that mail must tell apart.
  @nonexhaustive public enum Outcome: Hashable, Sendable {
    /// Records of the type that was asked for, one at least, in the order in which they came.
    case records([DNSRecord])
    /// The name is there, without a record of that type (RFC 2308 §2.2).
    case noRecords
    /// There is no such name (RFC 2308 §2.1).
    case noSuchName
    /// Nobody could say: no reply in time, SERVFAIL, REFUSED. Asking again later may help. With the reason.
    case temporaryFailure(String)
    /// An answer came that is none: its data are cut short, it speaks of another name, its aliases go in a circle. With
    /// the reason.
    case malformed(String)
  }

  /// What became of it.
  public var outcome: Outcome
  /// How long this may be remembered; zero where it may not. Of several records the shortest, of an answer that there
  /// is nothing as RFC 2308 §5 has it.
  public var timeToLive: Duration
  /// Whether a resolver that is trusted says that it checked the answer with DNSSEC (the AD bit, RFC 4035 §3.2.3).
  public var isAuthenticated: Bool
  /// The aliases behind which the answer was found, in order, without the name that was asked for.
  public var aliases: [DNSName]

  /// An answer of these parts.
  public init(_ outcome: Outcome, timeToLive: Duration = .zero, isAuthenticated: Bool = false, aliases: [DNSName] = [])
  {
    (self.outcome, self.timeToLive) = (outcome, timeToLive)
    (self.isAuthenticated, self.aliases) = (isAuthenticated, aliases)
  }

  /// The records; none where the answer is another.
  public var records: [DNSRecord] {
    if case .records(let records) = outcome { records } else { [] }
  }

  /// Whether the answer says that there is nothing: a void lookup (RFC 7208 §4.6.4).
  public var isVoid: Bool { outcome == .noRecords || outcome == .noSuchName }

  /// Why nobody could say what is there; `nil` where the answer does.
  public var failure: String? {
    switch outcome {
    case .temporaryFailure(let reason), .malformed(let reason): reason
    case .records, .noRecords, .noSuchName: nil
    }
  }
}

/// A question and its answer: evidence of a check.
public struct DNSLookup: Hashable, Sendable {
  /// What was asked.
  public var question: DNSQuestion
  /// What came.
  public var answer: DNSAnswer

  /// These two.
  public init(_ question: DNSQuestion, _ answer: DNSAnswer) { (self.question, self.answer) = (question, answer) }
}
