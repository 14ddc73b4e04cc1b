/// A rule about who may connect. It allows access where one of its contexts does; without contexts, never.
public struct AccessRule: Hashable, Sendable, Identifiable {
  /// Whether a rule counts.
  public enum Enforcement: String, Hashable, Sendable {
    /// It grants and denies.
    case enabled
    /// It is as if it were not there; in particular, it grants nothing.
    case disabled

    /// The mode that `text` names.
    ///
    /// - Throws: ``AccessControlError`` with code ``AccessControlError/Code/unsupportedEnforcement``, `report`
    ///   included: a rule that is only watched would leave SMTP without the rule that it needs.
    public init(mode text: String) throws(AccessControlError) {
      if let mode = Enforcement(rawValue: text) {
        self = mode
      } else if text == "report" {
        throw AccessControlError(.unsupportedEnforcement, "SMTP does not support report; use enabled or disabled")
      } else {
        throw AccessControlError(.unsupportedEnforcement, "the enforcement mode is enabled or disabled")
      }
    }
  }

  /// 1 to 64 of `A-Z a-z 0-9 - _`.
  public let id: String
  /// For people: up to 300 characters from U+0020 to U+00FE.
  public let summary: String
  /// One suffices. None denies everybody.
  public let contexts: [AccessContext]
  /// Whether the rule counts; default enabled.
  public let enforcement: Enforcement

  /// A rule of these parts.
  ///
  /// - Throws: ``AccessControlError`` with code ``AccessControlError/Code/invalidIdentifier``,
  ///   ``AccessControlError/Code/invalidDescription`` or ``AccessControlError/Code/limitExceeded``.
  public init(
    id: String, summary: String = "", contexts: [AccessContext], enforcement: Enforcement = .enabled,
    limits: AccessControlLimits = AccessControlLimits()
  ) throws(AccessControlError) {
    try limits.checkIdentifier(id)
    try limits.checkDescription(summary, of: id)
    guard contexts.count <= limits.contexts else {
      throw AccessControlError(.limitExceeded, "a rule has at most \(limits.contexts) contexts", subject: id)
    }
    guard contexts.reduce(0, { $0 + ($1.zoneIDs?.count ?? 0) }) <= limits.ruleZones else {
      throw AccessControlError(
        .limitExceeded, "the contexts of a rule name at most \(limits.ruleZones) zones in all", subject: id)
    }
    (self.id, self.summary, self.contexts, self.enforcement) = (id, summary, contexts, enforcement)
  }
}
