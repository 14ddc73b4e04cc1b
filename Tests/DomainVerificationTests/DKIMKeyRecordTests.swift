import LibCrypto
import MailDNS
import MailModel
import Testing

@testable import DomainVerification

struct DKIMKeyRecordTests {
  /// RFC 6376 §C: 1,024 bits.
  static let brisbane =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq63"
    + "1uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
  /// RFC 8463 §A.2.
  static let edwards = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

  private static func record(_ text: String) throws -> DKIMKeyRecord { try DKIMKeyRecord(Array(text.utf8)) }

  @Test func readsTheExampleOfRFC6376() throws {
    let record = try Self.record("v=DKIM1; p=\(Self.brisbane)")
    #expect(record.keyType == "rsa")
    #expect(record.key?.kind == .rsa(bits: 1_024))
    #expect(record.services == ["*"])
    #expect(record.hashes == nil)
    #expect(record.remarks.isEmpty)
    #expect(!record.isRevoked && !record.isTesting && !record.isStrict)
    #expect(try record.key(for: .rsaSHA256) == record.key)
    #expect(record.description == "v=DKIM1; k=rsa; p=\(Self.brisbane)")
  }

  @Test func readsTheExampleOfRFC8463() throws {
    let record = try Self.record("v=DKIM1; k=ed25519; p=\(Self.edwards)")
    #expect(record.key?.kind == .ed25519)
    #expect(try record.key(for: .ed25519SHA256) == record.key)
    #expect(record.description == "v=DKIM1; k=ed25519; p=\(Self.edwards)")
    #expect(throws: DKIMKeyProblem.self) { try record.key(for: .rsaSHA256) }
  }

  /// The same key, whatever the record looks like.
  static let spellings: [String] = [
    "p=\(brisbane)", "p=\(brisbane);", "p=\(brisbane) ; ", "k=rsa;p=\(brisbane)", "p=\(brisbane); k=rsa",
    "v=DKIM1;p=\(brisbane)",
    " v = DKIM1 ;\r\n\tk = rsa ;\r\n p = \(brisbane.prefix(70))\r\n  \(brisbane.dropFirst(70)) ;",
    "v=DKIM1; h=sha1:sha256; n=Do=20not=3B touch; s=email:tlsrpt; t=s:x-flag; g=*; x_unknown=\\; p=\(brisbane)",
    "v=DKIM1; h=sha256; s=*; p=" + brisbane.map { "\($0) " }.joined(),
  ]

  @Test(arguments: spellings)
  func spellingDoesNotMatter(text: String) throws {
    let key = try #require(try Self.record("p=\(Self.brisbane)").key)
    let record = try Self.record(text)
    #expect(record.holds(key))
    #expect(record.remarks.isEmpty)
    #expect(try record.key(for: .rsaSHA256) == key)
    #expect(try DKIMKeyRecord(DNSText(text).octets) == record)
  }

  @Test func readsEveryTag() throws {
    let record = try Self.record("v=DKIM1; h=sha1 : sha256; k=rsa; n=a=20b; s=email; t=y:s; p=\(Self.brisbane)")
    #expect(record.hashes == ["sha1", "sha256"])
    #expect(record.services == ["email"])
    #expect(record.flags == ["y", "s"])
    #expect(record.isTesting && record.isStrict)
    #expect(record.notes == "a=20b")
    #expect(record.description == "v=DKIM1; h=sha1:sha256; k=rsa; s=email; t=y:s; p=\(Self.brisbane)")
    #expect(try DKIMKeyRecord(record.text.octets).holds(#require(record.key)))
  }

  static let broken: [(String, Int?)] = [
    ("", 1), ("v=DKIM1", nil), ("v=DKIM1; k=rsa", nil), ("hello world", 1), ("v=spf1 -all", 3), ("\"v=DKIM1; p=\"", 1),
    ("v=DKIM2; p=\(brisbane)", 3), ("v=dkim1; p=\(brisbane)", 3), ("v=; p=\(brisbane)", 3),
    ("v=DKIM1\\; p=\(brisbane)", 3),
    ("p=\(edwards); v=DKIM1", 51), ("k=rsa; v=DKIM1; p=\(brisbane)", 10), ("v=DKIM1; p=AAAA; p=AAAA", 18),
    ("v=DKIM1; v=DKIM1; p=", 10), ("v=DKIM1; p=AA-A", 14), ("v=DKIM1; p=AA_A", 14), ("v=DKIM1; p=AA=A", 15),
    ("v=DKIM1; p==", 12), ("v=DKIM1; p=AAA===", 17), ("v=DKIM1; p=AA\\A", 14), ("v=DKIM1; p=A", 12),
    ("v=DKIM1; p=AAAAA", 16),
    ("v=DKIM1; p=AB", 13), ("v=DKIM1; k=; p=AAAA", 12), ("v=DKIM1; k=rsa:ed25519; p=AAAA", 12),
    ("v=DKIM1; h=; p=AAAA", 12),
    ("v=DKIM1; h=sha256:; p=AAAA", 19), ("v=DKIM1; s=e mail; p=AAAA", 12), ("v=DKIM1; t=y,s; p=AAAA", 12),
    ("v=DKIM1; t=-y; p=AAAA", 12), ("v=DKIM1 k=rsa; p=AAAA", 3), ("v=DKIM1;; p=AAAA", 9), ("v=DKIM1, p=AAAA", 3),
  ]

  @Test(arguments: broken)
  func namesTheColumn(text: String, column: Int?) {
    let problem = #expect(throws: DKIMKeyProblem.self) { try Self.record(text) }
    #expect(problem?.kind == .syntax)
    #expect(problem?.column == column)
  }

  @Test(arguments: ["v=DKIM1; p=", "p=;", "v=DKIM1; k=ed25519; p= \r\n ;", "v=DKIM1; k=x; p="])
  func readsRevokedKeys(text: String) throws {
    let record = try Self.record(text)
    #expect(record.isRevoked)
    #expect(record.key == nil)
    let problem = #expect(throws: DKIMKeyProblem.self) { try record.key(for: .rsaSHA256) }
    #expect(problem?.kind == .revoked)
  }

  @Test func writesRevokedKeys() throws {
    #expect(DKIMKeyRecord.revoked.description == "v=DKIM1; k=rsa; p=")
    #expect(try DKIMKeyRecord(DKIMKeyRecord.revoked.text.octets) == .revoked)
  }

  static let unusable: [(String, DKIMAlgorithm, DKIMKeyProblem.Kind)] = [
    ("h=sha1; p=\(brisbane)", .rsaSHA256, .hashAlgorithm), ("h=SHA256; p=\(brisbane)", .rsaSHA256, .hashAlgorithm),
    ("s=tlsrpt; p=\(brisbane)", .rsaSHA256, .serviceType), ("s=EMAIL; p=\(brisbane)", .rsaSHA256, .serviceType),
    ("k=RSA; p=\(brisbane)", .rsaSHA256, .keyType), ("k=x-new; p=\(brisbane)", .rsaSHA256, .keyType),
    ("k=ed25519; p=\(brisbane)", .ed25519SHA256, .keyData), ("p=\(edwards)", .rsaSHA256, .keyData),
    ("p=\(brisbane)", .ed25519SHA256, .keyType), ("k=ed25519; p=\(edwards)", .rsaSHA256, .keyType),
    ("k=ed25519; p=AAAA", .ed25519SHA256, .keyData), ("p=AAAA", .rsaSHA256, .keyData),
    // SubjectPublicKeyInfo of an Ed25519 key, of either type (RFC 8410 §10.1).
    ("k=ed25519; p=MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=", .ed25519SHA256, .keyData),
    ("k=rsa; p=MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=", .rsaSHA256, .keyData),
  ]

  @Test(arguments: unusable)
  func saysWhyAKeyIsNotUsable(text: String, algorithm: DKIMAlgorithm, kind: DKIMKeyProblem.Kind) throws {
    let record = try Self.record(text)
    let problem = #expect(throws: DKIMKeyProblem.self) { try record.key(for: algorithm) }
    #expect(problem?.kind == kind)
  }

  static let sizes: [(Int, DKIMKeyProblem.Kind?)] = [
    (511, .keyData), (512, .tooShort), (1_023, .tooShort), (1_024, nil), (8_192, nil), (8_193, .tooLong),
    (16_384, .tooLong),
    (16_385, .keyData),
  ]

  @Test(arguments: sizes)
  func boundsTheSize(bits: Int, kind: DKIMKeyProblem.Kind?) throws {
    let record = try Self.record("v=DKIM1; p=\(base64(rsaPublicKey(bits: bits)))")
    var found: DKIMKeyProblem.Kind?
    do throws(DKIMKeyProblem) { _ = try record.key(for: .rsaSHA256) } catch { found = error.kind }
    #expect(found == kind)
    if (512...16_384).contains(bits) { #expect(record.key?.kind == .rsa(bits: bits)) }
  }

  /// RSAPublicKey, as RFC 6376 §3.6.1 says, is the same key as SubjectPublicKeyInfo, as all write it.
  @Test func readsBothFormsOfRSA() throws {
    let bare = try Self.record("p=\(base64(rsaPublicKey(bits: 2_048)))")
    let key = try #require(bare.key)
    #expect(bare.remarks.map(\.kind) == [.spelling])
    let framed = try Self.record("p=\(base64(key.subjectPublicKeyInfo))")
    #expect(framed.holds(key))
    #expect(framed.remarks.isEmpty)
    #expect(bare.keyOctets != framed.keyOctets)
  }

  @Test(arguments: [0, 1])
  func readsAKeyWithoutPadding(padding: Int) throws {
    let text = "v=DKIM1; k=ed25519; p=\(Self.edwards.dropLast(1))" + String(repeating: "=", count: padding)
    let record = try Self.record(text)
    #expect(record.key != nil)
    #expect(record.remarks.map(\.kind) == (padding == 0 ? [.spelling] : []))
  }

  @Test(arguments: [(65_534, true), (65_535, true), (65_536, false)])
  func boundsTheRecord(count: Int, isRead: Bool) {
    let front = "v=DKIM1; k=ed25519; p=\(Self.edwards); n="
    let text = Array(front.utf8) + [UInt8](repeating: 0x61, count: count - front.utf8.count)
    #expect(((try? DKIMKeyRecord(text)) != nil) == isRead)
  }

  @Test func splitsIntoStrings() throws {
    for bits in [2_048, 4_096] {
      let key = try VerifyingKey(rsaPublicKey: rsaPublicKey(bits: bits).span)
      let record = DKIMKeyRecord(key)
      let text = record.text
      #expect(text.strings.count == (record.description.utf8.count + 254) / 255)
      #expect(text.strings.allSatisfy { (1...255).contains($0.count) })
      #expect(try DKIMKeyRecord(text.octets) == record)
    }
  }

  @Test func writesALineOfAMasterFile() throws {
    let record = try Self.record("k=ed25519; p=\(Self.edwards)")
    let domain = try #require(DomainName("example.com"))
    let line = record.masterFileLine(try #require(DKIMSelector("test")), in: domain)
    #expect(line == "test._domainkey.example.com. IN TXT ( \"v=DKIM1; k=ed25519; p=\(Self.edwards)\" )")
    let long = DKIMKeyRecord(try VerifyingKey(rsaPublicKey: rsaPublicKey(bits: 2_048).span))
    let parts = long.masterFileLine(try #require(DKIMSelector("a.b")), in: domain)?.split(separator: "\"")
    #expect(parts?.count == 5)
    #expect(parts?.first == "a.b._domainkey.example.com. IN TXT ( ")
    #expect(parts?[1].utf8.count == 255)
  }

  /// Nothing traps, whatever becomes of a record; what is read can be written and read again.
  @Test func survivesEveryChange() throws {
    let text = Array("v=DKIM1; h=sha256; k=ed25519; s=email; t=y:s; n=a; p=\(Self.edwards);".utf8)
    for index in text.indices {
      _ = try? DKIMKeyRecord(Array(text.prefix(index)))
      for octet in UInt8.min...UInt8.max {
        var changed = text
        changed[index] = octet
        guard let record = try? DKIMKeyRecord(changed) else { continue }
        let again = try DKIMKeyRecord(record.text.octets)
        #expect(again.keyOctets == record.keyOctets)
        #expect(again.flags == record.flags)
      }
    }
  }
}

func base64(_ octets: [UInt8]) -> String {
  var text: [UInt8] = []
  Base64.encode(octets.span, into: &text)
  return String(decoding: text, as: UTF8.self)
}

/// RSAPublicKey whose modulus has so many bits; no number theory is asked of it.
func rsaPublicKey(bits: Int) -> [UInt8] {
  func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    let count = content.count
    let length: [UInt8] =
      count < 0x80
      ? [UInt8(count)] : count < 0x100 ? [0x81, UInt8(count)] : [0x82, UInt8(count >> 8), UInt8(count & 0xFF)]
    return [tag] + length + content
  }
  var modulus = [UInt8](repeating: 0xA5, count: (bits + 7) / 8)
  let top = (bits + 7) % 8
  modulus[0] = 1 << top | (modulus[0] & (1 << top - 1))
  return element(0x30, element(0x02, top == 7 ? [0] + modulus : modulus) + element(0x02, [1, 0, 1]))
}
