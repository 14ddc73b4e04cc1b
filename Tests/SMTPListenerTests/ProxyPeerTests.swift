import Foundation
import MailModel
import NIOCore
import NIOPosix
import SMTPProtocol
import Testing

@testable import SMTPListener

/// haproxy before a server of ours.
private final class HAProxy: Sendable {
  private let process: PeerProcess
  private let port: ReservedPort
  var address: SocketEndpoint { port.endpoint }

  /// - Parameters:
  ///   - options: how it speaks to the server.
  ///   - certificate: ends TLS with this one, where there is one.
  ///   - clients: the certificates of clients that it takes.
  ///   - server: the server's address.
  init(
    _ options: String, certificate: TestCertificate? = nil, clients: [UInt8] = [], to server: SocketEndpoint
  ) throws {
    port = try ReservedPort()
    let tls = certificate == nil ? "" : " ssl crt server.pem ca-file clients.pem verify optional crt-ignore-err all"
    let configuration = """
      global
        maxconn 64
      defaults
        mode tcp
        timeout connect 10s
        timeout client 60s
        timeout server 60s
      frontend front
        bind \(port.endpoint)\(tls)
        unique-id-format connection-%pid-%rt
        default_backend back
      backend back
        option smtpchk EHLO check.example
        server only \(server) \(options)

      """
    var files = ["haproxy.cfg": Array(configuration.utf8), "clients.pem": clients]
    if let certificate {
      files["server.pem"] = certificate.pem + Array(try Data(contentsOf: URL(filePath: certificate.files.privateKey)))
    }
    process = try PeerProcess(.haproxy, ["-db", "-f", "haproxy.cfg"], files: files)
  }

  /// A client of it, as soon as it listens.
  func client(tls: ClientTLS? = nil) async throws -> TestClient {
    while true {
      do {
        return try await TestClient(address, tls: tls)
      } catch let error as NIOConnectionError {
        // Within the suite's limit of time.
        guard process.isRunning else {
          Issue.record("haproxy ended: \(process.output)")
          throw error
        }
      }
    }
  }

  func stop() async { await process.killNow() }
}

/// Proxies that are not ours.
@Suite(.timeLimit(.minutes(10))) struct ProxyPeerTests {
  private static let loopback = ["127.0.0.0/8"].compactMap { IPNetwork($0) }
  private static let startTLS = Endpoint.startTLS(host: "127.0.0.1", port: 0, proxies: loopback)
  private static let implicitTLS = Endpoint.implicitTLS(host: "127.0.0.1", port: 0, proxies: loopback)
  private static let plaintext = Endpoint.insecurePlaintext(host: "127.0.0.1", port: 0, proxies: loopback)

  private func withProxy(
    _ options: String, certificate: TestCertificate? = nil, clients: [UInt8] = [], to server: SocketEndpoint,
    _ body: (HAProxy) async throws -> Void
  ) async throws {
    let proxy = try HAProxy(options, certificate: certificate, clients: clients, to: server)
    do {
      try await body(proxy)
    } catch {
      await proxy.stop()
      throw error
    }
    await proxy.stop()
  }

  /// The policy was told of this client, though the proxy connected.
  private func expectTold(
    of client: TestClient, _ proxy: HAProxy, _ policy: TestPolicy, sourceLocation: SourceLocation = #_sourceLocation
  ) -> ProxyFacts? {
    let connection = policy.connections.last
    let own = client.channel.localAddress.flatMap(SocketEndpoint.init)
    #expect(own != nil && connection?.client == own, sourceLocation: sourceLocation)
    #expect(connection?.local == proxy.address, sourceLocation: sourceLocation)
    #expect(connection?.proxy?.source == own, sourceLocation: sourceLocation)
    return connection?.proxy
  }

  @Test(
    .needs(.haproxy), arguments: ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"])
  func haproxyBeforeSTARTTLS(options: String) async throws {
    let policy = TestPolicy()
    try await withServer([Self.startTLS], policy: policy) { server in
      try await withProxy(options, to: server.address) { proxy in
        let client = try await proxy.client()
        try await client.logIn(server.trust)
        _ = try await client.ask("MAIL FROM:<a@example.com>")
        _ = try await client.ask("RCPT TO:<b@example.org>")
        _ = try await client.ask("DATA")
        #expect(try await client.ask("Subject: x\r\n\r\n.") == "250 2.0.0 Ok: 14 octets")
        let facts = expectTold(of: client, proxy, policy)
        #expect((facts?.uniqueID != nil) == options.contains("unique-id"))
        #expect(facts?.tls == nil)
        try await client.close()
      }
    }
  }

  @Test(.needs(.haproxy), arguments: ["send-proxy", "send-proxy-v2"])
  func haproxyBeforeImplicitTLS(options: String) async throws {
    let policy = TestPolicy()
    try await withServer([Self.implicitTLS], policy: policy) { server in
      try await withProxy(options, to: server.address) { proxy in
        let client = try await proxy.client(tls: server.trust)
        #expect(try await client.line().hasPrefix("220 "))
        #expect(try await client.ask("NOOP") == "250 2.0.0 Ok")
        _ = expectTold(of: client, proxy, policy)
        try await client.close()
      }
    }
  }

  /// haproxy ends TLS, and tells what it was.
  @Test(.needs(.haproxy), arguments: [false, true]) func haproxyTellsOfTLS(withCertificate: Bool) async throws {
    let policy = TestPolicy()
    try await withServer(
      [Self.plaintext], policy: policy, configuration: try withoutAuthentication()
    ) { server in
      let own = try TestCertificate("client.example")
      let options =
        "send-proxy-v2-ssl proxy-v2-options ssl,cert-cn,ssl-cipher,cert-sig,cert-key,authority,crc32c,unique-id"
      try await withProxy(options, certificate: server.certificate, clients: own.pem, to: server.address) { proxy in
        var tls = server.trust
        tls.certificate = withCertificate ? own : nil
        let client = try await proxy.client(tls: tls)
        #expect(try await client.line().hasPrefix("220 "))
        #expect(try await client.ask("NOOP") == "250 2.0.0 Ok")
        let facts = expectTold(of: client, proxy, policy)
        #expect(facts?.authority == "mail.example.com")
        #expect(facts?.uniqueID?.starts(with: Array("connection-".utf8)) == true)
        #expect(facts?.tls?.isSecured == true)
        #expect(facts?.tls?.version == "TLSv1.3")
        #expect(facts?.tls?.cipher?.hasPrefix("TLS_") == true)
        #expect(facts?.tls?.keyAlgorithm == "EC256")
        #expect(facts?.tls?.signatureAlgorithm?.contains("SHA256") == true)
        #expect(facts?.tls?.hasConnectionCertificate == withCertificate)
        #expect(facts?.tls?.commonName == (withCertificate ? "client.example" : nil))
        // The test's certificate is a server's: haproxy was told to go on with it all the same.
        #expect((facts?.tls?.verifyResult == 0) == !withCertificate)
        #expect(facts?.tls?.isCertificateVerified == false)
        try await client.close()
      }
    }
  }

  /// haproxy looks by itself whether the server is well.
  @Test(.needs(.haproxy)) func haproxyChecksTheServer() async throws {
    let policy = TestPolicy()
    try await withServer([Self.startTLS], policy: policy) { server in
      try await withProxy("send-proxy-v2 check inter 1s", to: server.address) { _ in
        try await policy.log.wait(for: "connect")
        #expect(policy.connections.first?.proxy == ProxyFacts(isLocal: true))
        #expect(policy.connections.first?.client?.address == IPAddress("127.0.0.1"))
        #expect(policy.connections.first?.local == server.address)
      }
    }
  }

  @Test(
    .needs(.swaks),
    arguments: [
      ["--proxy-version", "1", "--proxy-family", "TCP4"], ["--proxy-version", "2", "--proxy-family", "AF_INET"],
    ])
  func swaksAsAProxy(version: [String]) async throws {
    let policy = TestPolicy()
    try await withServer([Self.plaintext], policy: policy, configuration: try withoutAuthentication()) { server in
      let swaks = try PeerProcess(
        .swaks,
        version + [
          "--proxy-source", "192.0.2.7", "--proxy-source-port", "4711", "--proxy-dest", "198.51.100.7",
          "--proxy-dest-port", "587", "--server", "127.0.0.1", "--port", "\(server.address.port)", "--from",
          "a@example.com", "--to", "b@example.org", "--helo", "client.example",
        ])
      #expect(await swaks.status() == 0, "\(swaks.output)")
    }
    #expect(policy.connections.map(\.client?.description) == ["192.0.2.7:4711"])
    #expect(policy.connections.map(\.local?.description) == ["198.51.100.7:587"])
    #expect(policy.log.events.contains("finished"))
  }

  /// It names its own end of the connection, so that only the header's presence shows.
  @Test(.needs(.curl)) func curlAsAProxy() async throws {
    let policy = TestPolicy()
    try await withServer([Self.plaintext], policy: policy, configuration: try withoutAuthentication()) { server in
      let curl = try PeerProcess(
        .curl,
        [
          "-v", "--haproxy-protocol", "smtp://\(server.address)", "--mail-from", "a@example.com", "--mail-rcpt",
          "b@example.org", "--upload-file", "message",
        ], files: ["message": Array("Subject: x\r\n\r\n".utf8)])
      #expect(await curl.status() == 0, "\(curl.output)")
    }
    #expect(policy.connections.count == 1)
    #expect(policy.connections.first?.proxy?.source?.address == IPAddress("127.0.0.1"))
    #expect(policy.log.events.contains("finished"))
  }
}
