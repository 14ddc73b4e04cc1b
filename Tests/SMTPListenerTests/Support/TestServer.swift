import Foundation
import LibCrypto
import Logging
import MailModel
import NIOCore
import NIOSSL
import SMTPProtocol
import ServiceLifecycle
import Testing

@testable import SMTPListener

/// A certificate in files of its own, for as long as the value lives.
final class TestCertificate: Sendable {
  let files: CertificateFiles
  let pem: [UInt8]
  private let folder: URL

  init(_ names: String..., kind: SigningKey.Kind = .p256) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "smtp-listener-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let chain = folder.appending(path: "chain.pem").path(percentEncoded: false)
    let key = folder.appending(path: "key.pem").path(percentEncoded: false)
    files = CertificateFiles(chain: chain, privateKey: key)
    let certificate = try SelfSignedCertificate(names: names.map { .dns($0) }, kind: kind)
    pem = certificate.certificatePEM
    try Self.write(certificate, files)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// Puts another certificate into the same files.
  func renew(_ names: String...) throws -> [UInt8] {
    let certificate = try SelfSignedCertificate(names: names.map { .dns($0) })
    try Self.write(certificate, files)
    return certificate.certificatePEM
  }

  private static func write(_ certificate: SelfSignedCertificate, _ files: CertificateFiles) throws {
    try Data(certificate.certificatePEM).write(to: URL(fileURLWithPath: files.chain))
    try Data(certificate.privateKeyPEM).write(to: URL(fileURLWithPath: files.privateKey))
  }
}

let quiet: Logger = {
  var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  logger.logLevel = .trace
  return logger
}()

func testConfiguration(_ change: (inout ServerConfiguration) -> Void = { _ in }) throws -> ServerConfiguration {
  var configuration = ServerConfiguration(hostName: try #require(DomainName("mail.example.com")))
  change(&configuration)
  return configuration
}

/// What a test does with a server that runs.
struct RunningServer: Sendable {
  let addresses: [SocketEndpoint]
  let certificate: TestCertificate
  let tls: ServerTLS
  let registry: ConnectionRegistry
  fileprivate let services: ServiceGroup

  var address: SocketEndpoint { addresses[0] }
  var trust: ClientTLS { ClientTLS(trusted: certificate.pem, serverName: "mail.example.com") }

  func shutDown() async { await services.triggerGracefulShutdown() }
}

/// Runs a server while `body` runs, and expects it to end well.
func withServer(
  _ endpoints: [Endpoint] = [.startTLS(host: "127.0.0.1", port: 0)], policy: TestPolicy = TestPolicy(),
  configuration: ServerConfiguration? = nil, limits: ConnectionLimits = ConnectionLimits(),
  certificate: TestCertificate? = nil, others: [TestCertificate] = [],
  _ body: @escaping @Sendable (RunningServer) async throws -> Void
) async throws {
  let certificate = try certificate ?? TestCertificate("mail.example.com")
  let tls = try ServerTLS([certificate.files] + others.map(\.files))
  let server = try SMTPServer(
    endpoints: endpoints, configuration: configuration ?? testConfiguration(), connectionLimits: limits, tls: tls,
    policy: policy, logger: quiet)
  let services = ServiceGroup(services: [server], logger: quiet)
  try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await services.run() }
    let running = RunningServer(
      addresses: try await server.boundAddresses(), certificate: certificate, tls: tls, registry: server.registry,
      services: services)
    do {
      try await body(running)
    } catch {
      tasks.cancelAll()
      throw error
    }
    await running.shutDown()
    try await tasks.waitForAll()
  }
}

func withoutAuthentication() throws -> ServerConfiguration {
  try testConfiguration { $0.requiresAuthentication = false }
}
