import Foundation
import LibCrypto
import NIOSSL
import Testing

@testable import SMTPListener

@Suite(.timeLimit(.minutes(10))) struct CertificateTests {
  @Test func aServerNameGetsItsCertificate() async throws {
    let first = try TestCertificate("mail.example.com", "smtp.example.com")
    let second = try TestCertificate("mail.example.net", kind: .rsa(bits: 2048))
    let third = try TestCertificate("*.example.org")
    try await withServer(certificate: first, others: [second, third]) { server in
      let expected = [
        ("mail.example.com", first), ("smtp.example.com", first), ("MAIL.example.net", second),
        ("a.example.org", third), ("a.b.example.org", first), ("example.org", first), ("unknown.test", first),
        (nil, first),
      ]
      for (name, certificate) in expected {
        let client = try await TestClient(server.address)
        await #expect(throws: Never.self, "\(name ?? "no name")") {
          try await client.logIn(ClientTLS(trusted: certificate.pem, serverName: name))
        }
      }
    }
  }

  @Test func namesThatAreGivenReplaceThoseOfTheCertificate() async throws {
    let first = try TestCertificate("mail.example.com")
    let second = try TestCertificate("mail.example.net")
    var files = second.files
    files.names = ["Other.Example"]
    let byName = CertificateSelection.index(try [first.files, files].map(LoadedCertificate.init(reading:)))
    #expect(Set(byName.keys) == ["mail.example.com", "other.example"])
  }

  @Test func aReloadReachesNewConnectionsAlone() async throws {
    try await withServer { server in
      let standing = try await TestClient(server.address)
      try await standing.logIn(server.trust)
      let renewed = try server.certificate.renew("mail.example.com")
      let before = try await TestClient(server.address)
      try await before.logIn(server.trust)
      try await server.tls.reload()
      let after = try await TestClient(server.address)
      try await after.logIn(ClientTLS(trusted: renewed, serverName: "mail.example.com"))
      for client in [standing, before, after] { #expect(try await client.ask("QUIT").hasPrefix("221")) }
      let stale = try await TestClient(server.address)
      await #expect(throws: (any Error).self) { try await stale.logIn(server.trust) }
    }
  }

  @Test func aPairThatDoesNotFitChangesNothingAndIsNamed() async throws {
    try await withServer { server in
      let files = server.certificate.files
      let other = try TestCertificate("mail.example.com")
      let key = try Data(contentsOf: URL(fileURLWithPath: files.privateKey))
      try Data(contentsOf: URL(fileURLWithPath: other.files.privateKey)).write(
        to: URL(fileURLWithPath: files.privateKey))
      let mismatch = await #expect(throws: ListenerError.self) { try await server.tls.reload() }
      #expect(mismatch?.code == .invalidCertificate)
      #expect(mismatch?.description.contains(files.privateKey) == true)

      try key.write(to: URL(fileURLWithPath: files.privateKey))
      try FileManager.default.removeItem(atPath: files.chain)
      let missing = await #expect(throws: ListenerError.self) { try await server.tls.reload() }
      #expect(missing?.description.contains(files.chain) == true)

      try Data("no certificate".utf8).write(to: URL(fileURLWithPath: files.chain))
      let garbage = await #expect(throws: ListenerError.self) { try await server.tls.reload() }
      #expect(garbage?.description.contains(files.chain) == true)

      let client = try await TestClient(server.address)
      try await client.logIn(server.trust)
      #expect(try await client.ask("NOOP") == "250 2.0.0 Ok")
    }
  }

  @Test func aRunningServerSeesThatFilesHaveChanged() async throws {
    let certificate = try TestCertificate("mail.example.com")
    let tls = try ServerTLS([certificate.files], checkInterval: .milliseconds(1))
    let before = ObjectIdentifier(tls.context)
    let renewed = try certificate.renew("mail.example.com")
    let task = Task { await tls.reloadOnChange(every: .milliseconds(1), quiet) }
    while ObjectIdentifier(tls.context) == before { await Task.yield() }
    task.cancel()
    await task.value
    let leaf = try NIOSSLCertificate.fromPEMBytes(renewed)
    #expect(tls.context.configuration.certificateChain == leaf.map { .certificate($0) })
  }

  @Test func unreadableFilesAreNamedAtTheStart() throws {
    let missing = CertificateFiles(chain: "/nonexistent/chain.pem", privateKey: "/nonexistent/key.pem")
    let error = #expect(throws: ListenerError.self) { try ServerTLS([missing]) }
    #expect(error?.code == .invalidCertificate)
    #expect(error?.description.contains("/nonexistent/chain.pem") == true)
    #expect(throws: ListenerError.self) { try ServerTLS([]) }
  }
}
