import AccessControl
import MailModel
import Testing

struct EvaluationTests {
  private let zones: [NetworkZone]

  init() throws {
    zones = [
      try zone("office", ["192.0.2.0/24"]), try zone("cloud", ["198.51.100.0/24", "2001:db8::/32"]),
      try zone("both", ["192.0.2.0/24", "198.51.100.0/24"], excluded: ["192.0.2.66"]),
    ]
  }

  @Test func withoutARuleNobodyGetsIn() throws {
    for policy in [AccessPolicy(), try AccessPolicy(zones: zones, rules: [])] {
      let decision = policy.evaluate(AccessRequest(address: try address("192.0.2.1"), endpointType: .private))
      #expect(decision.verdict == .deny)
      #expect(decision.findings.isEmpty)
      #expect("\(decision)" == "deny: no rule is enabled")
    }
  }

  @Test func onlyEnabledRulesGrant() throws {
    let policy = try AccessPolicy(
      zones: zones, rules: [rule("rule", AccessContext(zoneIDs: ["office"]), enforcement: .disabled)])
    #expect(try !policy.allows("192.0.2.1"))
    #expect(try policy.reason("192.0.2.1") == nil)
  }

  @Test func disabledRulesDoNotDeny() throws {
    let policy = try AccessPolicy(
      zones: zones,
      rules: [
        rule("off", enforcement: .disabled), rule("on", AccessContext(zoneIDs: ["office"])),
        rule("away", AccessContext(zoneIDs: ["cloud"]), enforcement: .disabled),
      ])
    #expect(try policy.allows("192.0.2.1"))
    #expect(try !policy.allows("198.51.100.1"))
  }

  @Test func withoutAContextNobodyGetsIn() throws {
    let policy = try AccessPolicy(zones: zones, rules: [rule()])
    #expect(try policy.reason("192.0.2.1") == .noContexts)
    #expect(try !policy.allows("192.0.2.1"))
  }

  @Test func oneContextSuffices() throws {
    let policy = try AccessPolicy(
      zones: zones, rules: [rule("rule", AccessContext(zoneIDs: ["office"]), AccessContext(zoneIDs: ["cloud"]))])
    #expect(try policy.reason("192.0.2.1") == .allowed(zone: "office"))
    #expect(try policy.reason("2001:db8::1") == .allowed(zone: "cloud"))
    #expect(try policy.reason("203.0.113.1") == .notInZones(unknown: []))
  }

  @Test func oneZoneOfAContextSuffices() throws {
    let policy = try AccessPolicy(zones: zones, rules: [rule("rule", AccessContext(zoneIDs: ["cloud", "office"]))])
    #expect(try policy.reason("192.0.2.1") == .allowed(zone: "office"))
    #expect(try policy.reason("198.51.100.1") == .allowed(zone: "cloud"))
    #expect(try !policy.allows("203.0.113.1"))
  }

  /// An exclusion takes an address out of its own zone, not out of another that holds it.
  @Test func exclusionsBelongToTheirZone() throws {
    let context = try AccessContext(zoneIDs: ["both", "office"])
    let policy = try AccessPolicy(zones: zones, rules: [rule("rule", context)])
    #expect(try policy.reason("192.0.2.66") == .allowed(zone: "office"))
    let alone = try AccessPolicy(zones: zones, rules: [rule("rule", AccessContext(zoneIDs: ["both"]))])
    #expect(try alone.reason("192.0.2.66") == .excluded(zone: "both"))
  }

  @Test func everyAttributeMustHold() throws {
    let context = try AccessContext(zoneIDs: ["office"], endpointTypes: [.private])
    let policy = try AccessPolicy(zones: zones, rules: [rule("rule", context)])
    #expect(try policy.reason("192.0.2.1", .private) == .allowed(zone: "office"))
    #expect(try policy.reason("192.0.2.1", .public) == .otherEndpointType)
    #expect(try policy.reason("203.0.113.1", .private) == .notInZones(unknown: []))
    #expect(try policy.reason("203.0.113.1", .public) == .notInZones(unknown: []))
    #expect(try !policy.allows("192.0.2.1", .public) && !policy.allows("203.0.113.1", .private))
  }

  @Test func attributesOfTwoContextsDoNotMix() throws {
    let policy = try AccessPolicy(
      zones: zones,
      rules: [
        rule(
          "rule", AccessContext(zoneIDs: ["office"], endpointTypes: [.private]),
          AccessContext(zoneIDs: ["cloud"], endpointTypes: [.public]))
      ])
    #expect(try policy.allows("192.0.2.1", .private) && policy.allows("198.51.100.1", .public))
    #expect(try !policy.allows("192.0.2.1", .public) && !policy.allows("198.51.100.1", .private))
  }

  @Test func endpointTypesAlone() throws {
    let one = try AccessPolicy(zones: [], rules: [rule("rule", AccessContext(endpointTypes: [.private]))])
    #expect(try one.reason("203.0.113.1", .private) == .allowed(zone: nil))
    #expect(try one.reason("203.0.113.1", .public) == .otherEndpointType)
    let either = try AccessPolicy(zones: [], rules: [rule("rule", AccessContext(endpointTypes: [.private, .public]))])
    #expect(try either.allows("203.0.113.1", .private) && either.allows("203.0.113.1", .public))
  }

  @Test func everyRuleMustAllow() throws {
    let policy = try AccessPolicy(
      zones: zones,
      rules: [
        rule("first", AccessContext(zoneIDs: ["both"])), rule("second", AccessContext(zoneIDs: ["office", "cloud"])),
        rule("third", AccessContext(endpointTypes: [.public])),
      ])
    #expect(try policy.allows("192.0.2.1"))
    #expect(try !policy.allows("192.0.2.66"))  // the first alone refuses
    #expect(try !policy.allows("2001:db8::1"))  // likewise
    #expect(try !policy.allows("192.0.2.1", .private))  // the third alone
    #expect(try !policy.allows("203.0.113.1"))
    let decision = policy.evaluate(AccessRequest(address: try address("192.0.2.66"), endpointType: .public))
    #expect(decision.findings.map(\.ruleID) == ["first", "second", "third"])
    #expect(
      decision.findings.map(\.reason) == [.excluded(zone: "both"), .allowed(zone: "office"), .allowed(zone: nil)])
  }

  @Test func anUnknownZoneHoldsNobody() throws {
    let policy = try AccessPolicy(
      zones: zones,
      rules: [rule("rule", AccessContext(zoneIDs: ["gone", "office", "another"]), AccessContext(zoneIDs: ["gone"]))])
    #expect(try policy.allows("192.0.2.1"))
    #expect(try policy.reason("203.0.113.1") == .notInZones(unknown: ["another", "gone"]))
    let only = try AccessPolicy(zones: [], rules: [rule("rule", AccessContext(zoneIDs: ["gone"]))])
    #expect(try !only.allows("192.0.2.1"))
    // With another attribute, too.
    let context = try AccessContext(zoneIDs: ["gone"], endpointTypes: [.public])
    #expect(try !AccessPolicy(zones: [], rules: [rule("rule", context)]).allows("192.0.2.1"))
  }

  @Test func identifiersAreExact() throws {
    let policy = try AccessPolicy(zones: zones, rules: [rule("rule", AccessContext(zoneIDs: ["Office"]))])
    #expect(try !policy.allows("192.0.2.1"))
  }

  @Test func saysWhy() throws {
    let policy = try AccessPolicy(
      zones: zones,
      rules: [
        rule("a", AccessContext(zoneIDs: ["both"])), rule("b", AccessContext(endpointTypes: [.public])),
        rule("c", AccessContext(zoneIDs: ["gone", "lost"])), rule("d"),
      ])
    func text(_ candidate: String, _ endpointType: EndpointType) throws -> [String] {
      policy.evaluate(AccessRequest(address: try address(candidate), endpointType: endpointType)).description
        .split(separator: "; ").map(String.init)
    }
    #expect(
      try text("192.0.2.1", .public) == [
        "deny: rule a allows it, the address is in zone both", "rule b allows it for this type of endpoint",
        "rule c does not allow it, the address is in none of its zones, and there is no zone gone, lost",
        "rule d allows nobody, it has no context",
      ])
    #expect(
      try text("192.0.2.66", .private).prefix(2) == [
        "deny: rule a does not allow it, the address is excluded from zone both",
        "rule b does not allow it for this type of endpoint",
      ])
    #expect(
      try text("203.0.113.1", .public).first == "deny: rule a does not allow it, the address is in none of its zones")
  }

  /// Which of several reasons is told: that of the context that came nearest, whatever their order.
  @Test func tellsTheNearestReason() throws {
    let contexts = [
      try AccessContext(zoneIDs: ["cloud"]), try AccessContext(zoneIDs: ["both"]),
      try AccessContext(zoneIDs: ["office"], endpointTypes: [.private]),
    ]
    for order in [contexts, contexts.reversed()] {
      let policy = try AccessPolicy(zones: zones, rules: [AccessRule(id: "rule", contexts: order)])
      #expect(try policy.reason("192.0.2.66") == .otherEndpointType)
    }
    for order in [contexts.dropLast(), contexts.dropLast().reversed()] {
      let policy = try AccessPolicy(zones: zones, rules: [AccessRule(id: "rule", contexts: Array(order))])
      #expect(try policy.reason("192.0.2.66") == .excluded(zone: "both"))
    }
  }

  @Test func listsFewUnknownZones() throws {
    let context = try AccessContext(zoneIDs: (0..<100).map { "gone-\($0)" })
    let policy = try AccessPolicy(zones: [], rules: [rule("rule", context)])
    guard case .notInZones(let unknown) = try policy.reason("192.0.2.1") else {
      Issue.record("another reason")
      return
    }
    #expect(unknown.count == 10)
  }
}
