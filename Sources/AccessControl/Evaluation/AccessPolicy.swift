/// All zones and rules, ready to decide. Whoever no rule lets in stays outside.
public struct AccessPolicy: Sendable {
  /// The zones, in the order in which they were given.
  public let zones: [NetworkZone]
  /// The rules, in the order in which they were given.
  public let rules: [AccessRule]

  private let compiledZones: [CompiledZone]
  private let compiledRules: [CompiledRule]

  /// The policy that every service begins with: without a rule, nobody gets in.
  public init() { (zones, rules, compiledZones, compiledRules) = ([], [], [], []) }

  /// A policy of these zones and rules. A rule may name a zone that is not there.
  ///
  /// - Throws: ``AccessControlError`` with code ``AccessControlError/Code/duplicate`` where two zones or two rules have
  ///   one identifier, or two zones one name; ``AccessControlError/Code/limitExceeded``.
  public init(
    zones: [NetworkZone], rules: [AccessRule], limits: AccessControlLimits = AccessControlLimits()
  ) throws(AccessControlError) {
    guard zones.count <= limits.zones else {
      throw AccessControlError(.limitExceeded, "there are at most \(limits.zones) zones")
    }
    guard rules.count <= limits.rules else {
      throw AccessControlError(.limitExceeded, "there are at most \(limits.rules) rules")
    }
    try Self.checkDuplicates(zones, rules)  // so that the dictionaries below have one value for each key
    try Self.checkAddresses(zones, rules, limits)
    (self.zones, self.rules) = (zones, rules)
    compiledZones = zones.map(CompiledZone.init)
    let places = Dictionary(uniqueKeysWithValues: zones.indices.map { (zones[$0].id, $0) })
    compiledRules = rules.filter { $0.enforcement == .enabled }.map { CompiledRule($0, places: places) }
  }

  /// Whether this client may come in: there are enabled rules, and every one of them allows it. A rule allows it where
  /// one of its contexts holds; a context holds where all its attributes do.
  public func evaluate(_ request: AccessRequest) -> AccessDecision {
    let memberships = ZoneMemberships(of: request.address, in: compiledZones)
    let findings = compiledRules.map { rule in
      AccessDecision.Finding(ruleID: rule.id, reason: rule.evaluate(request, memberships))
    }
    let isAllowed = !findings.isEmpty && findings.allSatisfy(\.reason.isAllowed)
    return AccessDecision(verdict: isAllowed ? .allow : .deny, findings: findings)
  }

  private static func checkDuplicates(_ zones: [NetworkZone], _ rules: [AccessRule]) throws(AccessControlError) {
    var identifiers: Set<String> = []
    var names: Set<String> = []
    for zone in zones {
      guard identifiers.insert(zone.id).inserted else {
        throw AccessControlError(.duplicate, "two zones have one identifier", subject: zone.id)
      }
      guard names.insert(zone.name).inserted else {
        throw AccessControlError(.duplicate, "two zones have one name", subject: zone.id)
      }
    }
    identifiers = []
    for rule in rules where !identifiers.insert(rule.id).inserted {
      throw AccessControlError(.duplicate, "two rules have one identifier", subject: rule.id)
    }
  }

  private static func checkAddresses(
    _ zones: [NetworkZone], _ rules: [AccessRule], _ limits: AccessControlLimits
  ) throws(AccessControlError) {
    let counts = Dictionary(uniqueKeysWithValues: zones.map { ($0.id, $0.addresses.count) })
    for rule in rules {
      let zoneIDs = Set(rule.contexts.flatMap { $0.zoneIDs ?? [] })
      guard zoneIDs.reduce(0, { $0 + (counts[$1] ?? 0) }) <= limits.ruleAddresses else {
        throw AccessControlError(
          .limitExceeded, "the zones of a rule have at most \(limits.ruleAddresses) addresses in all", subject: rule.id)
      }
    }
  }
}
