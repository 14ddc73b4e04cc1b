import AccessControl
import MailModel
import Testing

struct ValidationTests {
  @Test(arguments: [
    ("", false), ("a", true), ("Zone_1-x", true), ("0123456789abcdef0123456789abcdef", true),
    (String(repeating: "z", count: 63), true), (String(repeating: "z", count: 64), true),
    (String(repeating: "z", count: 65), false), ("a b", false), ("a,b", false), ("a/b", false), ("a.b", false),
    ("ä", false), ("a\n", false), ("a\u{0}", false),
  ])
  func identifiers(id: String, isValid: Bool) throws {
    let expected: AccessControlError.Code? = isValid ? nil : .invalidIdentifier
    #expect(code { _ = try NetworkZone(id: id, name: "Zone", addresses: []) } == expected)
    #expect(code { _ = try AccessRule(id: id, contexts: []) } == expected)
    #expect(code { _ = try AccessContext(zoneIDs: ["fine", id]) } == expected)
  }

  @Test(arguments: [
    ("", false), ("Z", true), ("Head office - EU_1", true), (" ", true),
    (String(repeating: "n", count: 127), true), (String(repeating: "n", count: 128), true),
    (String(repeating: "n", count: 129), false), ("a.b", false), ("a,b", false), ("Büro", false), ("a\tb", false),
    ("a\r\nb", false),
  ])
  func names(name: String, isValid: Bool) {
    #expect(code { _ = try NetworkZone(id: "z", name: name, addresses: []) } == (isValid ? nil : .invalidName))
  }

  @Test(arguments: [
    ("", true), ("What it is for: “x”", false), ("Büro, 1. OG (ü)", true), ("a~þ", true), ("aÿ", false),
    (String(repeating: "ü", count: 299), true), (String(repeating: "ü", count: 300), true),
    (String(repeating: "ü", count: 301), false), ("a\nb", false), ("a\u{1F}", false), ("u\u{308}", false),
  ])
  func descriptions(text: String, isValid: Bool) {
    let expected: AccessControlError.Code? = isValid ? nil : .invalidDescription
    #expect(code { _ = try NetworkZone(id: "z", name: "z", summary: text, addresses: []) } == expected)
    #expect(code { _ = try AccessRule(id: "r", summary: text, contexts: []) } == expected)
  }

  @Test func contextsSaySomething() {
    #expect(code { _ = try AccessContext() } == .invalidContext)
    #expect(code { _ = try AccessContext(zoneIDs: []) } == .invalidContext)
    #expect(code { _ = try AccessContext(endpointTypes: []) } == .invalidContext)
    #expect(code { _ = try AccessContext(zoneIDs: [], endpointTypes: [.public]) } == .invalidContext)
    #expect(code { _ = try AccessContext(zoneIDs: ["z"], endpointTypes: []) } == .invalidContext)
  }

  @Test func enforcementModes() throws {
    #expect(try AccessRule.Enforcement(mode: "enabled") == .enabled)
    #expect(try AccessRule.Enforcement(mode: "disabled") == .disabled)
    for mode in ["report", "Enabled", "", "on"] {
      #expect(code { _ = try AccessRule.Enforcement(mode: mode) } == .unsupportedEnforcement, "\(mode)")
    }
    let error = #expect(throws: AccessControlError.self) { try AccessRule.Enforcement(mode: "report") }
    #expect(error?.message.contains("SMTP does not support report") == true)
    #expect(try rule().enforcement == .enabled)
  }

  @Test(arguments: [(999, true), (1_000, true), (1_001, false)])
  func addressesOfAZone(count: Int, isValid: Bool) {
    let addresses = (0..<count).map { ZoneAddress.single(.v4(UInt32($0))) }
    let expected: AccessControlError.Code? = isValid ? nil : .limitExceeded
    #expect(code { _ = try NetworkZone(id: "z", name: "z", addresses: addresses) } == expected)
    #expect(code { _ = try NetworkZone(id: "z", name: "z", addresses: [], excluded: addresses) } == expected)
  }

  @Test(arguments: [(499, true), (500, true), (501, false)])
  func zonesOfAPolicy(count: Int, isValid: Bool) throws {
    let zones = try (0..<count).map { try zone("z\($0)", ["192.0.2.1"]) }
    #expect(code { _ = try AccessPolicy(zones: zones, rules: []) } == (isValid ? nil : .limitExceeded))
    let names = zones.map(\.id)
    #expect(code { _ = try AccessContext(zoneIDs: names) } == (isValid ? nil : .limitExceeded))
  }

  @Test(arguments: [(4_019, true), (4_020, true), (4_021, false)])
  func rulesOfAPolicy(count: Int, isValid: Bool) throws {
    let rules = try (0..<count).map { try rule("r\($0)") }
    #expect(code { _ = try AccessPolicy(zones: [], rules: rules) } == (isValid ? nil : .limitExceeded))
  }

  @Test(arguments: [(999, true), (1_000, true), (1_001, false)])
  func contextsOfARule(count: Int, isValid: Bool) throws {
    let contexts = try (0..<count).map { try AccessContext(zoneIDs: ["z\($0)"]) }
    #expect(code { _ = try AccessRule(id: "r", contexts: contexts) } == (isValid ? nil : .limitExceeded))
  }

  /// All the zones that a rule names count, each once, whichever context names it.
  @Test(arguments: [(399, true), (400, true), (401, false)])
  func addressesOfARule(count: Int, isValid: Bool) throws {
    let many = (0..<600).map { "192.0.\(2 + $0 / 256).\($0 % 256)" }
    let zones = [
      try zone("a", many, excluded: many), try zone("b", Array(many.prefix(count))), try zone("unused", many),
    ]
    let contexts = [try AccessContext(zoneIDs: ["a", "b"]), try AccessContext(zoneIDs: ["b", "a", "gone"])]
    let error = code {
      _ = try AccessPolicy(zones: zones, rules: [AccessRule(id: "r", contexts: contexts)])
    }
    #expect(error == (isValid ? nil : .limitExceeded))
  }

  @Test func otherLimits() throws {
    var limits = AccessControlLimits()
    (limits.zones, limits.rules, limits.contexts, limits.zoneAddresses, limits.nameLength) = (1, 1, 1, 1, 6)
    #expect(code { _ = try zone("z", ["192.0.2.1"], limits: limits) } == nil)
    #expect(code { _ = try zone("z", ["192.0.2.1", "192.0.2.2"], limits: limits) } == .limitExceeded)
    #expect(code { _ = try zone("zz", ["192.0.2.1"], limits: limits) } == .invalidName)
    let zones = [try zone("a", []), try zone("b", [])]
    #expect(code { _ = try AccessPolicy(zones: zones, rules: [], limits: limits) } == .limitExceeded)
  }

  @Test func duplicates() throws {
    let first = try zone("a", [])
    let sameName = try NetworkZone(id: "b", name: first.name, addresses: [])
    let sameID = try NetworkZone(id: "a", name: "Another", addresses: [])
    #expect(code { _ = try AccessPolicy(zones: [first, sameName], rules: []) } == .duplicate)
    #expect(code { _ = try AccessPolicy(zones: [first, sameID], rules: []) } == .duplicate)
    #expect(code { _ = try AccessPolicy(zones: [first], rules: [rule("r"), rule("r")]) } == .duplicate)
    #expect(code { _ = try AccessPolicy(zones: [first], rules: [rule("a"), rule("b")]) } == nil)
  }

  @Test func errorsNameTheirSubject() throws {
    let error = #expect(throws: AccessControlError.self) {
      try AccessPolicy(zones: [zone("twice", []), zone("twice", [])], rules: [])
    }
    #expect(error?.description == "duplicate: two zones have one identifier")
    #expect(error?.debugDescription == "duplicate: two zones have one identifier (twice)")
  }
}
