import MailModel
import Testing

struct IPAddressTests {
  @Test(arguments: [
    ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("192.0.2.1", "192.0.2.1"),
    ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8::A", "2001:db8::a"),
    ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
    ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
    ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:0:0:2:3:0:0:4", "1::2:3:0:0:4"),  // RFC 5952 §4.2
    ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"), ("1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"),
    ("::192.0.2.1", "::c000:201"),
    ("::ffff:192.0.2.1", "192.0.2.1"), ("::FFFF:c000:0201", "192.0.2.1"), ("0:0:0:0:0:ffff:0:0", "0.0.0.0"),
    ("::fffe:192.0.2.1", "::fffe:c000:201"), ("::1:ffff:192.0.2.1", "::1:ffff:c000:201"),
  ])
  func reads(text: String, canonical: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.description == canonical)
    #expect(IPAddress(canonical) == address)
  }

  @Test(arguments: [
    "", ".", ":", "...", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1", "1.1.1.1000", "01.1.1.1",
    "1.1.1.00", "0x1.1.1.1", "1.2.3.4 ", " 1.2.3.4", "1.2.3.-4", "+1.2.3.4", "١.2.3.4", "1,2,3,4",
    ":::", "1:::2", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
    "1:2:3:4::5:6:7:8", ":1::2", "1::2:", ":1", "1:", "12345::", "g::", "::1%eth0", "[::1]", "::1/64",
    "::1.2.3", "::1.2.3.4.5", "::1.2.3.4:5", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4", "::256.1.1.1", "::01.1.1.1",
    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", "2001:db8::\u{0}",
  ])
  func refuses(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test func readsOctets() {
    #expect(IPAddress(octets: [192, 0, 2, 1])?.description == "192.0.2.1")
    #expect(
      IPAddress(octets: [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1])?.description == "2001:db8::1")
    let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 192, 0, 2, 1]
    #expect(IPAddress(octets: mapped) == IPAddress("192.0.2.1"))
    for count in [0, 3, 5, 15, 17] { #expect(IPAddress(octets: [UInt8](repeating: 1, count: count)) == nil) }
  }

  @Test func writesLiterals() {
    #expect(IPAddress("192.0.2.1")?.literal == "192.0.2.1")
    #expect(IPAddress("2001:db8::1")?.literal == "IPv6:2001:db8::1")
  }

  @Test(arguments: [
    ("192.0.2.77/24", "192.0.2.0/24"), ("192.0.2.1", "192.0.2.1/32"), ("192.0.2.1/32", "192.0.2.1/32"),
    ("255.255.255.255/0", "0.0.0.0/0"), ("2001:db8::1", "2001:db8::1/128"), ("2001:db8:ffff::/32", "2001:db8::/32"),
    ("ffff::/0", "::/0"), ("::/0", "::/0"),
    // A mapped address counts its prefix from the IPv6 address's first bit.
    ("::ffff:192.0.2.1", "192.0.2.1/32"), ("::ffff:192.0.2.1/128", "192.0.2.1/32"),
    ("::ffff:192.0.2.1/120", "192.0.2.0/24"), ("::ffff:192.0.2.1/96", "0.0.0.0/0"),
  ])
  func readsNetworks(text: String, canonical: String) throws {
    let network = try #require(IPNetwork(text))
    #expect(network.description == canonical)
    #expect(IPNetwork(canonical) == network)
  }

  @Test(arguments: [
    "", "/", "/24", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/+8", "192.0.2.0/08", "192.0.2.0/ 8",
    "192.0.2.0/8/8", "192.0.2.0/0000", "192.0.2/24", "2001:db8::/129", "2001:db8::/1000", "2001:db8::/٤",
    "::ffff:192.0.2.0/95", "::ffff:192.0.2.0/24", "::ffff:0:0/0", "::ffff:192.0.2.0/129",
  ])
  func refusesNetworks(text: String) {
    #expect(IPNetwork(text) == nil)
  }

  @Test func refusesPrefixesThatDoNotFit() throws {
    let (v4, v6) = (try #require(IPAddress("192.0.2.1")), try #require(IPAddress("2001:db8::1")))
    for length in [-1, 33, .min, .max] { #expect(IPNetwork(v4, prefixLength: length) == nil) }
    for length in [-1, 129, .min, .max] { #expect(IPNetwork(v6, prefixLength: length) == nil) }
  }

  @Test(arguments: [
    ("192.0.2.64/26", "192.0.2.63", false), ("192.0.2.64/26", "192.0.2.64", true),
    ("192.0.2.64/26", "192.0.2.127", true), ("192.0.2.64/26", "192.0.2.128", false),
    ("192.0.2.1/32", "192.0.2.1", true), ("192.0.2.1/32", "192.0.2.0", false),
    ("0.0.0.0/0", "255.255.255.255", true), ("0.0.0.0/0", "::", false), ("::/0", "0.0.0.0", false),
    ("::/0", "ffff::", true), ("2001:db8::/33", "2001:db8:7fff:ffff::", true),
    ("2001:db8::/33", "2001:db8:8000::", false),
    ("2001:db8::1/128", "2001:db8::1", true), ("2001:db8::1/128", "2001:db8::", false),
    ("192.0.2.0/24", "::ffff:192.0.2.9", true),
  ])
  func contains(network: String, candidate: String, isInside: Bool) throws {
    let address = try #require(IPAddress(candidate))
    #expect(try #require(IPNetwork(network)).contains(address) == isInside)
  }
}
