import MailModel
import Testing

@testable import AccessControl

struct ZoneTests {
  /// Whether a zone of one entry holds the address, at the entry's borders above all.
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.0", false), ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false),
    ("192.0.2.10-192.0.2.20", "192.0.2.9", false), ("192.0.2.10-192.0.2.20", "192.0.2.10", true),
    ("192.0.2.10-192.0.2.20", "192.0.2.20", true), ("192.0.2.10-192.0.2.20", "192.0.2.21", false),
    ("192.0.2.7-192.0.2.7", "192.0.2.7", true), ("192.0.2.7-192.0.2.7", "192.0.2.8", false),
    ("192.0.2.64/26", "192.0.2.63", false), ("192.0.2.64/26", "192.0.2.64", true),
    ("192.0.2.64/26", "192.0.2.127", true), ("192.0.2.64/26", "192.0.2.128", false),
    ("192.0.2.77/26", "192.0.2.64", true),  // bits behind the prefix do not count
    ("192.0.2.1/32", "192.0.2.1", true), ("192.0.2.1/32", "192.0.2.2", false),
    ("192.0.2.2/31", "192.0.2.1", false), ("192.0.2.2/31", "192.0.2.3", true), ("192.0.2.2/31", "192.0.2.4", false),
    ("0.0.0.0/0", "0.0.0.0", true), ("0.0.0.0/0", "255.255.255.255", true), ("0.0.0.0/0", "2001:db8::1", false),
    ("0.0.0.0/1", "127.255.255.255", true), ("0.0.0.0/1", "128.0.0.0", false),
    ("128.0.0.0/1", "127.255.255.255", false), ("128.0.0.0/1", "255.255.255.255", true),
    ("0.0.0.0-255.255.255.255", "255.255.255.255", true),
    ("2001:db8::5", "2001:db8::4", false), ("2001:db8::5", "2001:db8::5", true), ("2001:db8::5", "2001:db8::6", false),
    ("2001:db8::-2001:db8::ff", "2001:db8::", true), ("2001:db8::-2001:db8::ff", "2001:db8::ff", true),
    ("2001:db8::-2001:db8::ff", "2001:db8::100", false),
    ("2001:db8::-2001:db8::ff", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", false),
    ("2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true), ("2001:db8::/32", "2001:db9::", false),
    ("2001:db8::/64", "2001:db8:0:1::", false), ("2001:db8::1/128", "2001:db8::1", true),
    ("::/0", "::", true), ("::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true), ("::/0", "192.0.2.1", false),
    ("::1", "127.0.0.1", false),
    // A mapped address is the IPv4 address, however either side writes it.
    ("192.0.2.0/24", "::ffff:192.0.2.1", true), ("::ffff:192.0.2.1", "192.0.2.1", true),
    ("::ffff:c000:201-192.0.2.9", "192.0.2.5", true),
  ])
  func holds(entry: String, candidate: String, isInside: Bool) throws {
    let policy = try AccessPolicy(
      zones: [zone("z", [entry])], rules: [rule("rule", AccessContext(zoneIDs: ["z"]))])
    #expect(try policy.allows(candidate) == isInside)
  }

  @Test(arguments: [
    "", " ", "-", "/", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1 ", "192.0.2.1-", "-192.0.2.1",
    "192.0.2.1 - 192.0.2.2", "192.0.2.1-192.0.2.2-192.0.2.3", "192.0.2.2-192.0.2.1", "192.0.2.1-2001:db8::1",
    "2001:db8::2-2001:db8::1", "::-::ffff:192.0.2.1", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/", "192.0.2.0/2 4",
    "192.0.2.0/24/8", "192.0.2.0/24-192.0.2.9", "2001:db8::/129", "fe80::1%eth0", "[2001:db8::1]", "host.example",
    "*", "0/0", "1", "192.0.2.0/255.255.255.0", "2001:db8::1/32-2001:db8::2",
  ])
  func refusesAddresses(text: String) {
    #expect(ZoneAddress(text) == nil)
  }

  @Test(arguments: [
    "192.0.2.1", "192.0.2.1-192.0.2.9", "192.0.2.0/24", "2001:db8::1", "2001:db8::-2001:db8::9", "::/0",
  ])
  func writesWhatItReads(text: String) {
    #expect(ZoneAddress(text)?.description == text)
  }

  @Test func rangesAreOrdered() throws {
    let (low, high) = (try address("192.0.2.1"), try address("192.0.2.2"))
    #expect(ZoneAddress.range(low, high)?.description == "192.0.2.1-192.0.2.2")
    #expect(ZoneAddress.range(low, low) != nil)
    #expect(ZoneAddress.range(high, low) == nil)
    #expect(ZoneAddress.range(low, try address("::1")) == nil)
  }

  /// Many overlapping, touching and nested entries against a plain search through all of them.
  @Test(arguments: 0..<20)
  func searchesAsAPlainSearchDoes(seed: UInt64) throws {
    var generator = SplitMix(state: seed)
    func entry() throws -> ZoneAddress {
      let start = UInt32.random(in: 0...300, using: &generator)
      let base: UInt32 = Bool.random(using: &generator) ? 0 : .max - 600
      switch Int.random(in: 0...2, using: &generator) {
      case 0: return .single(.v4(base + start))
      case 1: return try #require(.range(.v4(base + start), .v4(base + start + .random(in: 0...40, using: &generator))))
      default:
        return .subnet(
          try #require(IPNetwork(.v4(base + start), prefixLength: .random(in: 26...32, using: &generator))))
      }
    }
    let entries = try (0..<Int.random(in: 0...40, using: &generator)).map { _ in try entry() }
    let set = AddressSet(entries)
    for bits in Array(0...400) + Array(UInt32.max - 700...UInt32.max) {
      let isInside = entries.contains { entry in
        guard case (.v4(let first), .v4(let last)) = entry.bounds else { return false }
        return (first...last).contains(bits)
      }
      #expect(set.contains(.v4(bits)) == isInside, "\(bits)")
      #expect(!set.contains(.v6(UInt128(bits))))
    }
  }

  @Test func exclusionsWin() throws {
    let policy = try AccessPolicy(
      zones: [
        zone(
          "z", ["192.0.2.0/24", "192.0.2.7", "2001:db8::/32"],
          excluded: ["192.0.2.7", "192.0.2.64/26", "::1-2001:db8::9"])
      ], rules: [rule("rule", AccessContext(zoneIDs: ["z"]))])
    for (candidate, reason) in [
      ("192.0.2.6", AccessDecision.Reason.allowed(zone: "z")), ("192.0.2.7", .excluded(zone: "z")),
      ("192.0.2.8", .allowed(zone: "z")), ("192.0.2.63", .allowed(zone: "z")), ("192.0.2.64", .excluded(zone: "z")),
      ("192.0.2.127", .excluded(zone: "z")), ("192.0.2.128", .allowed(zone: "z")),
      ("2001:db8::9", .excluded(zone: "z")), ("2001:db8::a", .allowed(zone: "z")),
      ("198.51.100.1", .notInZones(unknown: [])), ("::5", .notInZones(unknown: [])),
    ] {
      #expect(try policy.reason(candidate) == reason, "\(candidate)")
    }
  }

  @Test func anEmptyZoneHoldsNobody() throws {
    let policy = try AccessPolicy(zones: [zone("z", [])], rules: [rule("rule", AccessContext(zoneIDs: ["z"]))])
    #expect(try policy.reason("192.0.2.1") == .notInZones(unknown: []))
  }

  private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      return mixed ^ mixed >> 31
    }
  }
}
