import Foundation
import LibCrypto
import Testing

struct SelfSignedCertificateTests {
  @Test(arguments: [SigningKey.Kind.p256, .rsa(bits: 2_048), .ed25519])
  func comesWithItsKey(kind: SigningKey.Kind) throws {
    let certificate = try SelfSignedCertificate(names: [.dns("localhost")], kind: kind)
    let text = String(decoding: certificate.certificatePEM, as: UTF8.self)
    #expect(text.hasPrefix("-----BEGIN CERTIFICATE-----\n") && text.hasSuffix("-----END CERTIFICATE-----\n"))
    let key = try SigningKey(pem: certificate.privateKeyPEM.span)
    #expect(key.kind == kind)
  }

  @Test func takesAKeyThatIsThere() throws {
    let key = try SigningKey.generate(.p256)
    let certificate = try SelfSignedCertificate(names: [.dns("localhost")], key: key)
    #expect(try certificate.privateKeyPEM == key.pem())
    #expect(
      try SelfSignedCertificate(names: [.dns("localhost")], key: key).certificatePEM != certificate.certificatePEM)
  }

  @Test(arguments: [
    "", ".", "a..b", "a.", "-a.example", "a-.example", "*", "a.*", "x,email:copy", "x,IP:192.0.2.1", "exämple",
    "under_score", "a b", "a\n", "a\u{0}", String(repeating: "a", count: 64),
    String(repeating: "a.", count: 126) + "bc",
  ])
  func refusesDomainNames(name: String) {
    let error = #expect(throws: CryptoError.self) {
      try SelfSignedCertificate(names: [.dns("localhost"), .dns(name)])
    }
    #expect(error?.code == .invalidArgument)
  }

  @Test(arguments: [
    "", "192.0.2", "192.0.2.256", "1::2::3", "localhost", "192.0.2.1,DNS:evil.example", "192.0.2.1/24", "fe80::1%eth0",
  ])
  func refusesAddresses(address: String) {
    let error = #expect(throws: CryptoError.self) { try SelfSignedCertificate(names: [.ipAddress(address)]) }
    #expect(error?.code == .invalidArgument)
  }

  @Test(arguments: [(0, false), (1, true), (100, true), (101, false)])
  func boundsTheNames(count: Int, isValid: Bool) throws {
    let key = try SigningKey.generate(.p256)
    let names = (0..<count).map { SelfSignedCertificate.SubjectName.dns("host\($0).example") }
    #expect(((try? SelfSignedCertificate(names: names, key: key)) != nil) == isValid)
  }

  @Test(arguments: [(-1, false), (0, false), (1, true), (36_500, true), (36_501, false), (.max, false)])
  func boundsTheDays(days: Int, isValid: Bool) throws {
    let key = try SigningKey.generate(.p256)
    #expect(((try? SelfSignedCertificate(names: [.dns("localhost")], days: days, key: key)) != nil) == isValid)
  }

  @Test(
    .enabled("openssl is not installed") { OpenSSLTool.isInstalled },
    arguments: [SigningKey.Kind.p256, .rsa(bits: 2_048), .ed25519])
  func standsBeforeAnotherReader(kind: SigningKey.Kind) throws {
    let long = String(repeating: "long.", count: 20) + "example"
    let certificate = try SelfSignedCertificate(
      names: [.dns(long), .dns("*.mail.example"), .ipAddress("127.0.0.1"), .ipAddress("2001:db8::1")], days: 10,
      kind: kind)
    let file = FileManager.default.temporaryDirectory.appending(path: "certificate-\(UUID()).pem")
    try Data(certificate.certificatePEM).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let path = file.path

    #expect(
      try OpenSSLTool.run("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", path, path).contains("OK"))
    for (option, name, matches) in [
      ("-checkhost", long, true), ("-checkhost", "a.mail.example", true), ("-checkhost", "mail.example", false),
      ("-checkip", "127.0.0.1", true), ("-checkip", "2001:db8::1", true), ("-checkip", "127.0.0.2", false),
    ] {
      let answer = try OpenSSLTool.run("x509", "-in", path, "-noout", option, name)
      #expect(answer.contains("does match certificate") == matches, "\(name)")
    }
    for (seconds, expires) in [(9 * 86_400, false), (11 * 86_400, true)] {
      let answer = try OpenSSLTool.run("x509", "-in", path, "-noout", "-checkend", "\(seconds)")
      #expect(answer.contains("will not expire") != expires)
    }
    let subject = try OpenSSLTool.run("x509", "-in", path, "-noout", "-subject", "-nameopt", "RFC2253")
    #expect(subject.contains("CN=*.mail.example"), "the first name is too long for a common name")
    let publicKey = try OpenSSLTool.run("x509", "-in", path, "-noout", "-pubkey")
    let keyFile = FileManager.default.temporaryDirectory.appending(path: "key-\(UUID()).pem")
    try Data(certificate.privateKeyPEM).write(to: keyFile)
    defer { try? FileManager.default.removeItem(at: keyFile) }
    #expect(try OpenSSLTool.run("pkey", "-in", keyFile.path, "-pubout") == publicKey)
  }
}

/// OpenSSL's command, as a second reader of what we write.
enum OpenSSLTool {
  static let isInstalled = (try? run("version")) != nil

  static func run(_ arguments: String...) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let octets = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    if process.terminationStatus == 127 { throw CocoaError(.fileNoSuchFile) }
    return String(decoding: octets, as: UTF8.self)
  }
}
