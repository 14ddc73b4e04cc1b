/// What a domain's owner asks for messages that fail DMARC (RFC 9989 §4.7, the tag `p`), from the mildest to the
/// strictest.
public enum DMARCPolicy: String, Hashable, Sendable, Comparable, CaseIterable {
  /// Nothing: the owner only watches.
  case none
  /// Treat them as suspicious.
  case quarantine
  /// Take them for forged.
  case reject

  /// Milder before stricter.
  public static func < (left: DMARCPolicy, right: DMARCPolicy) -> Bool { left.strictness < right.strictness }

  /// What is left of it in test mode: one level less (RFC 9989 §4.7, the tag `t`).
  public var inTestMode: DMARCPolicy { self == .reject ? .quarantine : .none }

  private var strictness: Int {
    switch self {
    case .none: 0
    case .quarantine: 1
    case .reject: 2
    }
  }
}

/// When an authenticated domain speaks for the author's (RFC 9989 §3.2.10).
public enum DMARCAlignment: String, Hashable, Sendable {
  /// Both are of the same organisation.
  case relaxed = "r"
  /// Both are the same.
  case strict = "s"
}
