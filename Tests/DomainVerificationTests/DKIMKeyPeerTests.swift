import DomainVerification
import Foundation
import LibCrypto
import MailDNS
import MailModel
import PeerTesting
import SystemDNS
import Testing

/// Keys and records that others made are read, and ours by others.
struct DKIMKeyPeerTests {
  private static func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  private static func octets(_ path: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(filePath: path))) }

  static let kinds: [(DKIMAlgorithm, [String])] = [
    (.rsaSHA256, ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
    (.rsaSHA256, ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-pkeyopt", "rsa_keygen_pubexp:3"]),
    (.ed25519SHA256, ["-algorithm", "ED25519"]),
  ]

  /// A key made by openssl signs here what openssl verifies, openssl signs what is verified here, and both write the same
  /// public key.
  @Test(.needs(.openssl), arguments: kinds)
  func agreesWithOpenSSL(algorithm: DKIMAlgorithm, arguments: [String]) async throws {
    try await Self.withFolder { folder in
      #expect(try await run(.openssl, ["genpkey", "-out", "\(folder)/key"] + arguments).status == 0)
      let pair = try DKIMKeyPair(pem: Self.octets("\(folder)/key"))
      #expect(pair.algorithm == algorithm)

      let exported = try await run(
        .openssl, ["pkey", "-in", "\(folder)/key", "-pubout", "-outform", "DER", "-out", "\(folder)/public"])
      #expect(exported.status == 0)
      let info = try Self.octets("\(folder)/public")
      #expect(pair.verifyingKey.subjectPublicKeyInfo == info)
      #expect(try VerifyingKey(subjectPublicKeyInfo: info.span) == pair.verifyingKey)

      let digest = (0..<32).map { UInt8($0 * 7) }
      try Data(digest).write(to: URL(filePath: "\(folder)/digest"))
      let form =
        algorithm == .rsaSHA256 ? ["-pkeyopt", "rsa_padding_mode:pkcs1", "-pkeyopt", "digest:sha256"] : ["-rawin"]
      let common = ["pkeyutl", "-inkey", "\(folder)/key", "-in", "\(folder)/digest"] + form
      try Data(await pair.signature(ofDigest: digest)).write(to: URL(filePath: "\(folder)/ours"))
      let verified = try await run(.openssl, common + ["-verify", "-sigfile", "\(folder)/ours"])
      #expect(verified.status == 0, "\(verified.output)")
      #expect(try await run(.openssl, common + ["-sign", "-out", "\(folder)/theirs"]).status == 0)
      #expect(pair.verifyingKey.accepts(try Self.octets("\(folder)/theirs"), digest))
    }
  }

  @Test(.needs(.openssl), arguments: DKIMAlgorithm.allCases)
  func opensslReadsOurKeys(algorithm: DKIMAlgorithm) async throws {
    let pem = String(decoding: try DKIMKeyPair.generate(algorithm).pem(), as: UTF8.self)
    let result = try await run(.openssl, ["pkey", "-check", "-noout"], input: pem)
    #expect(result.status == 0, "\(result.output)")
  }

  /// The key of dkimpy's tool, and the record that it writes for it.
  @Test(.needs(.dknewkey, .openssl)) func readsWhatDkimpyMakes() async throws {
    try await Self.withFolder { folder in
      #expect(try await run(.dknewkey, ["\(folder)/rsa"]).status == 0)
      let pair = try DKIMKeyPair(pem: Self.octets("\(folder)/rsa.key"))
      let record = try DKIMKeyRecord(Self.octets("\(folder)/rsa.dns"))
      #expect(record.holds(pair.verifyingKey))
      #expect(try record.key(for: .rsaSHA256) == pair.verifyingKey)

      #expect(try await run(.dknewkey, ["--ktype", "ed25519", "\(folder)/edwards"]).status == 0)
      let secret = try #require(Data(base64Encoded: Data(Self.octets("\(folder)/edwards.key"))))
      // It keeps the bare 32 octets; PKCS#8 puts 16 before them (RFC 8410 §7).
      let encoded = Data([0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20]) + secret
      let pem = "-----BEGIN PRIVATE KEY-----\n\(encoded.base64EncodedString())\n-----END PRIVATE KEY-----\n"
      let edwards = try DKIMKeyPair(pem: Array(pem.utf8))
      #expect(try DKIMKeyRecord(Self.octets("\(folder)/edwards.dns")).holds(edwards.verifyingKey))
    }
  }

  /// What a name server says of a zone with such lines.
  private static func check(_ zone: String, _ selector: String, _ key: VerifyingKey) async throws -> DKIMKeyEvaluation {
    let domain = try #require(DomainName("example.com"))
    let selector = try #require(DKIMSelector(selector))
    return try await withNameServer(zones: ["example.com": zone]) { server in
      let endpoint = try #require(SystemResolver.NameServer(server.endpoint))
      let resolver = SystemResolver(.init(nameServers: [endpoint]))
      return await DKIMKeyCheck(resolver: resolver).evaluate(selector, of: domain, expecting: [key])
    }
  }

  /// The key of OpenDKIM's tool, and the lines of a master file that it writes for it.
  @Test(.needs(.opendkimGenkey, .nsd)) func readsWhatOpenDKIMMakes() async throws {
    try await Self.withFolder { folder in
      let made = try await run(.opendkimGenkey, ["-D", folder, "-d", "example.com", "-s", "s1", "-b", "2048"])
      #expect(made.status == 0, "\(made.output)")
      let pair = try DKIMKeyPair(pem: Self.octets("\(folder)/s1.private"))
      let zone = String(decoding: try Self.octets("\(folder)/s1.txt"), as: UTF8.self)
      let evaluation = try await Self.check(zone, "s1", pair.verifyingKey)
      #expect(evaluation.outcome == .published, "\(evaluation.report)")
    }
  }

  static let ours: [(DKIMAlgorithm, Int)] = [(.rsaSHA256, 2_048), (.rsaSHA256, 4_096), (.ed25519SHA256, 0)]

  /// dkimpy reads our record: type and size of the key.
  @Test(.needs(.dkimverify), arguments: ours)
  func dkimpyReadsOurRecords(algorithm: DKIMAlgorithm, bits: Int) async throws {
    let pair = try DKIMKeyPair.generate(algorithm, bits: bits)
    let program = """
      import sys, dkim
      key, size, kind, _ = dkim.load_pk_from_dns(b"s1", lambda name, timeout=5: sys.stdin.buffer.read())
      print(kind.decode(), size)
      """
    let result = try await run("/usr/bin/python3", ["-c", program], input: pair.keyRecord.description)
    #expect(result.output == (algorithm == .rsaSHA256 ? "rsa \(bits)\n" : "ed25519 256\n"))
  }

  /// A name server reads our line of a master file, and gives our key.
  @Test(.needs(.nsd), arguments: ours)
  func ourMasterFileLineIsRead(algorithm: DKIMAlgorithm, bits: Int) async throws {
    let pair = try DKIMKeyPair.generate(algorithm, bits: bits)
    let (selector, domain) = (try #require(DKIMSelector("a.s1")), try #require(DomainName("example.com")))
    let line = try #require(pair.keyRecord.masterFileLine(selector, in: domain))
    let evaluation = try await Self.check(line, "a.s1", pair.verifyingKey)
    #expect(evaluation.outcome == .published)
    #expect(evaluation.texts == [pair.keyRecord.text])
  }
}
