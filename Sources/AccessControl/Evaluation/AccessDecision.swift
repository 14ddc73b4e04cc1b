/// Whether a client may come in, and why.
public struct AccessDecision: Hashable, Sendable, CustomStringConvertible {
  /// Yes or no.
  public enum Verdict: String, Hashable, Sendable {
    /// There are enabled rules, and each of them allows it.
    case allow
    /// There is no enabled rule, or one of them does not allow it.
    case deny
  }

  /// What one enabled rule says.
  public struct Finding: Hashable, Sendable, CustomStringConvertible {
    /// Which rule.
    public let ruleID: AccessRule.ID
    /// What it says, and why.
    public let reason: Reason
  }

  /// Why a rule allows or does not.
  @nonexhaustive public enum Reason: Hashable, Sendable {
    /// Allowed: a context holds. The zone is the first of that context that has the address, `nil` where the context
    /// names none.
    case allowed(zone: NetworkZone.ID?)
    /// Denied: no context holds, but the address would be in this zone if it were not excluded from it.
    case excluded(zone: NetworkZone.ID)
    /// Denied: the address fits a context, but the endpoint's type does not.
    case otherEndpointType
    /// Denied: the address is in no zone that the rule names. Of those that do not exist the first ten are listed.
    case notInZones(unknown: [NetworkZone.ID])
    /// Denied: the rule has no context, and so denies everybody.
    case noContexts
  }

  /// Yes or no.
  public let verdict: Verdict
  /// What each enabled rule says, in the order of the policy. Empty where there is none, which is a no.
  public let findings: [Finding]

  /// Whether it is a yes.
  public var isAllowed: Bool { verdict == .allow }

  /// The verdict with its reasons, for an operator. It names rules and zones, so it is not for the client.
  public var description: String {
    guard !findings.isEmpty else { return "\(verdict): no rule is enabled" }
    return "\(verdict): \(findings.map(\.description).joined(separator: "; "))"
  }
}

extension AccessDecision.Reason {
  /// Whether the rule allows it.
  public var isAllowed: Bool { if case .allowed = self { true } else { false } }
}

extension AccessDecision.Finding {
  /// One clause.
  public var description: String {
    switch reason {
    case .allowed(let zone?): "rule \(ruleID) allows it, the address is in zone \(zone)"
    case .allowed(nil): "rule \(ruleID) allows it for this type of endpoint"
    case .excluded(let zone): "rule \(ruleID) does not allow it, the address is excluded from zone \(zone)"
    case .otherEndpointType: "rule \(ruleID) does not allow it for this type of endpoint"
    case .notInZones(let unknown) where unknown.isEmpty:
      "rule \(ruleID) does not allow it, the address is in none of its zones"
    case .notInZones(let unknown):
      "rule \(ruleID) does not allow it, the address is in none of its zones, and there is no zone "
        + unknown.joined(separator: ", ")
    case .noContexts: "rule \(ruleID) allows nobody, it has no context"
    }
  }
}
