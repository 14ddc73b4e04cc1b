import MailModel
import SMTPProtocol
import Testing

@Suite struct ProxyBlockTests {
  private typealias Block = ProxyBlockFixture
  private let reader = ProxyHeaderReader()
  private static let client = endpoint("192.0.2.1", 56_324)
  private static let local = endpoint("198.51.100.2", 587)

  private static let v6Addresses: [UInt8] =
    [0x20, 0x01, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [1] + Array(repeating: 0, count: 15) + [1]
    + [0x04, 0x00, 0x01, 0xD1]
  private static let unixAddresses = Array(repeating: UInt8(ascii: "/"), count: 216)

  static let valid: [[UInt8]] = [
    Block().octets, Block(protocols: 0x21, addresses: v6Addresses).octets,
    Block(versionAndCommand: 0x20, protocols: 0, addresses: []).octets,
    Block(protocols: 0x31, addresses: unixAddresses).octets,
    Block(vectors: everyVector).octets, Block(vectors: everyVector).withChecksum,
  ]

  private static let tlsVector = vector(
    0x20,
    [0x07, 0, 0, 0, 0] + vector(0x21, "TLSv1.3") + vector(0x22, "Jürgen Müller")
      + vector(0x23, "TLS_AES_128_GCM_SHA256")
      + vector(0x24, "RSA-SHA256") + vector(0x25, "RSA2048") + vector(0x26, "secp256r1") + vector(0x28, [0x30, 0x00]))

  private static let everyVector =
    vector(0x01, "smtp") + vector(0x02, "mail.example.com") + vector(0x04, [0, 0]) + vector(0x04, [])
    + vector(0x05, [0, 13, 10, 255]) + tlsVector + vector(0x30, "blue") + vector(0xEA, "\u{1}vpce-08d2bf15fac5001c9")
    + vector(0xF0, [0]) + vector(0xF0, [0])

  private func header(_ octets: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) -> ProxyFacts? {
    guard case .header(let facts, octets.count) = reader.read(octets + Array("EHLO c\r\n".utf8)) else {
      Issue.record("\(reader.read(octets))", sourceLocation: sourceLocation)
      return nil
    }
    return facts
  }

  @Test func addressesAreRead() throws {
    #expect(header(Block().octets) == ProxyFacts(source: Self.client, destination: Self.local))
    let v6 = try #require(header(Block(protocols: 0x21, addresses: Self.v6Addresses).octets))
    #expect(v6 == ProxyFacts(source: endpoint("2001:db8::1", 1024), destination: endpoint("::1", 465)))
    let mapped = Array(repeating: UInt8(0), count: 10) + [255, 255, 192, 0, 2, 1]
    let both = try #require(header(Block(protocols: 0x21, addresses: mapped + mapped + [0, 1, 0, 2]).octets))
    #expect(both == ProxyFacts(source: endpoint("192.0.2.1", 1), destination: endpoint("192.0.2.1", 2)))
  }

  /// The proxy's own address stands, and what it may be worth elsewhere is passed over.
  @Test(arguments: [
    (Block(protocols: 0x00, addresses: []).octets, false),
    (Block(protocols: 0x01, addresses: []).octets, false),
    (Block(protocols: 0x00, addresses: [1, 2, 3]).octets, false),
    (Block(protocols: 0x10).octets, false), (Block(protocols: 0x12).octets, false),
    (Block(protocols: 0x22, addresses: v6Addresses).octets, false),
    (Block(protocols: 0x31, addresses: unixAddresses).octets, false),
    (Block(protocols: 0x32, addresses: unixAddresses).octets, false),
    (Block(versionAndCommand: 0x20, protocols: 0, addresses: []).octets, true),
    (Block(versionAndCommand: 0x20).octets, true),
    // The family of LOCAL is ignored, and its block discarded.
    (Block(versionAndCommand: 0x20, protocols: 0xFF, addresses: [0x20, 0xFF, 0xFF]).octets, true),
  ])
  func whoHasNoAddress(octets: [UInt8], isLocal: Bool) {
    #expect(header(octets) == ProxyFacts(isLocal: isLocal))
  }

  @Test func vectorsAreRead() throws {
    for octets in [Block(vectors: Self.everyVector).octets, Block(vectors: Self.everyVector).withChecksum] {
      let facts = try #require(header(octets))
      #expect(facts.source == Self.client)
      #expect(facts.applicationProtocol == Array("smtp".utf8))
      #expect(facts.authority == "mail.example.com")
      #expect(facts.uniqueID == [0, 13, 10, 255])
      #expect(facts.networkNamespace == "blue")
      #expect(facts.vpcEndpoint == VPCEndpoint("vpce-08d2bf15fac5001c9", provider: .amazonWebServices))
      let tls = try #require(facts.tls)
      #expect(tls.isSecured && tls.hasConnectionCertificate && tls.hasSessionCertificate && tls.isCertificateVerified)
      #expect(tls.version == "TLSv1.3")
      #expect(tls.commonName == "Jürgen Müller")
      #expect(tls.cipher == "TLS_AES_128_GCM_SHA256")
      #expect(tls.signatureAlgorithm == "RSA-SHA256")
      #expect(tls.keyAlgorithm == "RSA2048")
    }
    // Behind addresses that say nothing, too.
    let unix = try #require(
      header(Block(protocols: 0x31, addresses: Self.unixAddresses, vectors: vector(0x02, "a")).withChecksum))
    #expect(unix.source == nil && unix.authority == "a")
  }

  /// Zero stands for success, and some send it without a certificate.
  @Test(
    arguments: [
      (0x07, 0, true), (0x03, 0, true), (0x05, 0, true), (0x01, 0, false), (0x00, 0, false), (0x06, 0, false),
      (0x07, 1, false), (0x07, 0x8000_0000, false),
    ] as [(UInt8, UInt32, Bool)])
  func aCertificateIsVerifiedWhereThereIsOne(flags: UInt8, result: UInt32, isVerified: Bool) throws {
    let value = [flags] + (0..<4).map { UInt8(truncatingIfNeeded: result >> (24 - 8 * $0)) }
    let tls = try #require(header(Block(vectors: vector(0x20, value)).octets)?.tls)
    #expect(tls.isCertificateVerified == isVerified)
    #expect(tls.verifyResult == result)
    #expect(tls.isSecured == (flags & 1 == 1))
    #expect(tls.version == nil)
  }

  @Test(
    arguments: [
      (vector(0xEA, "\u{1}vpce-1"), VPCEndpoint("vpce-1", provider: .amazonWebServices)),
      (vector(0xEE, [1, 0x39, 0x30, 0, 0]), VPCEndpoint("12345", provider: .azure)),
      (vector(0xE0, [0, 0, 0, 1, 0, 0, 0, 2]), VPCEndpoint("4294967298", provider: .googleCloud)),
      // Somebody else's.
      (vector(0xEA, [1]), nil), (vector(0xEA, []), nil), (vector(0xEA, "\u{2}vpce-1"), nil),
      (vector(0xEA, "\u{1}vpce\r\n"), nil), (vector(0xEA, "\u{1}vpce 1"), nil), (vector(0xEA, [1, 0xFF]), nil),
      (vector(0xEA, [1] + Array(repeating: 0x61, count: 256)), nil),
      (vector(0xEE, [1, 0, 0, 0]), nil), (vector(0xEE, [1, 0, 0, 0, 0, 0]), nil), (vector(0xEE, [2, 0, 0, 0, 0]), nil),
      (vector(0xE0, [0, 0, 0, 0, 0, 0, 0]), nil), (vector(0xE0, Array(repeating: 0, count: 9)), nil),
      (vector(0xE1, [1, 2]) + vector(0xE1, [1, 2]), nil),
    ] as [([UInt8], VPCEndpoint?)])
  func aPrivateNetworksEndpointIsNamed(vectors: [UInt8], expected: VPCEndpoint?) throws {
    #expect(try #require(header(Block(vectors: vectors).octets)).vpcEndpoint == expected)
  }

  @Test func anIdentifierHasItsForm() {
    #expect(VPCEndpoint(String(repeating: "a", count: 255), provider: .azure) != nil)
    #expect(VPCEndpoint(String(repeating: "a", count: 256), provider: .azure) == nil)
    for text in ["", "a b", "a\n", "é", "\u{7F}"] { #expect(VPCEndpoint(text, provider: .azure) == nil) }
  }

  @Test func everyPrefixIsIncomplete() {
    for octets in Self.valid {
      for count in 0..<octets.count { #expect(reader.read(Array(octets.prefix(count))) == .incomplete) }
      guard case .header(_, octets.count) = reader.read(octets) else {
        Issue.record("no header: \(reader.read(octets))")
        continue
      }
    }
  }

  /// What the first sixteen octets get wrong is known at the octet that does.
  @Test(
    arguments: [
      (12, 0x11, .version), (12, 0x01, .version), (12, 0x31, .version), (12, 0x22, .command), (12, 0x2F, .command),
      (13, 0x41, .addressFamily), (13, 0xF1, .addressFamily), (13, 0x13, .addressFamily), (13, 0x1F, .addressFamily),
      (14, 0x10, .tooLong), (14, 0xFF, .tooLong), (15, 11, .length), (15, 0, .length),
    ] as [(Int, UInt8, ProxyHeaderReader.Fault)])
  func isMalformedAtOnce(index: Int, value: UInt8, fault: ProxyHeaderReader.Fault) {
    var octets = Block().octets
    octets[index] = value
    #expect(reader.read(Array(octets.prefix(index))) == .incomplete)
    #expect(reader.read(Array(octets.prefix(index + 1))) == .malformed(fault))
    #expect(reader.read(octets) == .malformed(fault))
  }

  @Test func aWrongSignatureIsKnownAtTheFirstOctetThatDiffers() {
    let octets = Block().octets
    for index in 1..<12 {
      for value in UInt8.min...UInt8.max where value != octets[index] {
        #expect(reader.read(Array(octets.prefix(index)) + [value]) == .malformed(.signature))
      }
    }
  }

  @Test(
    arguments: [
      (0x21, v4Short(35), .length), (0x31, v4Short(215), .length), (0x12, v4Short(11), .length),
      (0x11, Block.v4Addresses + [0x01], .length), (0x11, Block.v4Addresses + [0x01, 0], .length),
      (0x11, Block.v4Addresses + [0x01, 0, 1], .length), (0x11, Block.v4Addresses + [0x01, 0xFF, 0xFF], .length),
      (0x11, Block.v4Addresses + [0xF0, 0xFF, 0xFF, 0], .length),
      (0x11, Block.v4Addresses + vector(0x01, "a") + [0], .length),
      (0x11, Block.v4Addresses + vector(0x01, "a") + vector(0x01, "b"), .repetition),
      (0x11, Block.v4Addresses + vector(0x02, "") + vector(0x02, ""), .repetition),
      (0x11, Block.v4Addresses + vector(0x05, "a") + vector(0x05, "a"), .repetition),
      (0x11, Block.v4Addresses + vector(0x30, "a") + vector(0x30, "a"), .repetition),
      (0x11, Block.v4Addresses + tlsVector + tlsVector, .repetition),
      (0x11, Block.v4Addresses + vector(0xEA, "\u{1}a") + vector(0xEA, "\u{1}b"), .repetition),
      (0x11, Block.v4Addresses + vector(0xEA, "\u{1}a") + vector(0xEE, [1, 0, 0, 0, 0]), .repetition),
      (0x11, Block.v4Addresses + vector(0x03, [0, 0, 0, 0]), .checksum),
      (0x11, Block.v4Addresses + vector(0x03, [0, 0, 0]), .length),
      (0x11, Block.v4Addresses + vector(0x03, [0, 0, 0, 0, 0]), .length),
      (0x11, Block.v4Addresses + vector(0x02, "a\r\nb"), .text), (0x11, Block.v4Addresses + vector(0x02, "a\0"), .text),
      (0x11, Block.v4Addresses + vector(0x02, "\u{7F}"), .text),
      (0x11, Block.v4Addresses + vector(0x02, "\u{85}"), .text),
      (0x11, Block.v4Addresses + vector(0x02, [0xFF]), .text),
      (0x11, Block.v4Addresses + vector(0x02, [0xC0, 0x80]), .text),
      (0x11, Block.v4Addresses + vector(0x30, "é"), .text), (0x11, Block.v4Addresses + vector(0x30, "a\t"), .text),
      (0x11, Block.v4Addresses + vector(0x20, [0, 0, 0, 0]), .length),
      (0x11, Block.v4Addresses + vector(0x20, []), .length),
      (0x11, Block.v4Addresses + vector(0x20, [1, 0, 0, 0, 0, 0x21]), .length),
      (0x11, Block.v4Addresses + vector(0x20, [1, 0, 0, 0, 0, 0x21, 0, 2, 0x61]) + vector(0x04, "x"), .length),
      (
        0x11, Block.v4Addresses + vector(0x20, [1, 0, 0, 0, 0] + vector(0x21, "a") + vector(0x21, "a")), .repetition
      ),
      (0x11, Block.v4Addresses + vector(0x20, [1, 0, 0, 0, 0] + vector(0x22, "a\n")), .text),
      (0x11, Block.v4Addresses + vector(0x20, [1, 0, 0, 0, 0] + vector(0x23, "é")), .text),
      (0x11, Block.v4Addresses + vector(0x20, [1, 0, 0, 0, 0] + vector(0x24, "é")), .text),
      (0x11, Block.v4Addresses + vector(0x20, [1, 0, 0, 0, 0] + vector(0x25, "\u{1B}")), .text),
    ] as [(UInt8, [UInt8], ProxyHeaderReader.Fault)])
  func isMalformed(protocols: UInt8, body: [UInt8], fault: ProxyHeaderReader.Fault) {
    #expect(reader.read(Block(protocols: protocols, addresses: body).octets) == .malformed(fault))
  }

  private static func v4Short(_ count: Int) -> [UInt8] { Array(repeating: 1, count: count) }

  @Test func aUniqueIDHasItsLimit() {
    for count in [127, 128] {
      let octets = Block(vectors: vector(0x05, Array(repeating: 1, count: count))).octets
      #expect(header(octets)?.uniqueID?.count == count)
    }
    let octets = Block(vectors: vector(0x05, Array(repeating: 1, count: 129))).octets
    #expect(reader.read(octets) == .malformed(.length))
  }

  @Test func aBlockHasItsLimit() {
    func block(_ count: Int) -> [UInt8] {
      Block(vectors: vector(0x04, Array(repeating: 0, count: count - 16 - 12 - 3))).octets
    }
    for count in [4_095, 4_096] { #expect(header(block(count))?.source == Self.client) }
    #expect(reader.read(block(4_097)) == .malformed(.tooLong))
    #expect(reader.read(Array(block(4_097).prefix(15))) == .incomplete)
    #expect(reader.read(Array(block(4_097).prefix(16))) == .malformed(.tooLong))
    #expect(reader.read(Array(block(4_096 + 256).prefix(15))) == .malformed(.tooLong))
    // LOCAL is held to it too.
    let local = Block(versionAndCommand: 0x20, protocols: 0, addresses: [], length: 4_081).octets
    #expect(reader.read(local) == .malformed(.tooLong))

    var narrow = ProxyHeaderReader()
    narrow.blockLimit = 28
    #expect(narrow.read(block(31)) == .malformed(.tooLong))
    #expect(
      narrow.read(Block().octets) == .header(ProxyFacts(source: Self.client, destination: Self.local), consumed: 28))
    narrow.blockLimit = 27
    #expect(narrow.read(Block().octets) == .malformed(.tooLong))
  }

  @Test func noChangeOfAnOctetTraps() {
    for octets in Self.valid {
      for index in octets.indices {
        var changed = octets
        for value in UInt8.min...UInt8.max where value != octets[index] {
          changed[index] = value
          guard case .header(_, let consumed) = reader.read(changed) else { continue }
          // Only the length says where a header ends.
          #expect(consumed == octets.count || index == 14 || index == 15)
        }
      }
    }
  }

  /// What the checksum covers, it covers to the bit.
  @Test func noChangeOfAnOctetPassesTheChecksum() {
    let octets = Block(vectors: Self.everyVector).withChecksum
    for index in 16..<octets.count {
      var changed = octets
      for bit in 0..<8 {
        changed[index] = octets[index] ^ 1 << UInt8(bit)
        // A vector of another type than the checksum's is no checksum any more.
        if index == octets.count - 7 { continue }
        if case .header = reader.read(changed) { Issue.record("bit \(bit) of octet \(index)") }
      }
    }
  }

  @Test func theFactsOfAConnectionAreTheHeaders() {
    let own = ConnectionFacts(client: endpoint("10.0.0.1", 1), local: endpoint("10.0.0.2", 2), endpointType: .private)
    #expect(own.proxy == nil)
    let header = ProxyFacts(source: Self.client, destination: Self.local)
    #expect(
      own.told(by: header)
        == ConnectionFacts(client: Self.client, local: Self.local, endpointType: .private, proxy: header))
    let health = ProxyFacts(isLocal: true)
    #expect(
      own.told(by: health)
        == ConnectionFacts(client: own.client, local: own.local, endpointType: .private, proxy: health))
  }
}
