import NIOCore
import NIOSSL

/// The certificates of one loading, and which of them a server name gets.
struct CertificateSelection: Sendable {
  /// What new connections begin TLS with.
  let context: NIOSSLContext
  let fingerprints: [Int]

  /// - Parameter certificates: the first is for clients that name no server, or an unknown one.
  init(_ certificates: [LoadedCertificate]) throws {
    guard let first = certificates.first else {
      throw ListenerError(.invalidConfiguration, "TLS needs a certificate")
    }
    fingerprints = certificates.map(\.fingerprint)
    var configuration = first.configuration
    if certificates.count > 1 {
      let byName = Self.index(certificates)
      configuration.sslContextCallback = { client, promise in
        let chosen = client.serverHostname.flatMap { Self.find($0, in: byName) }
        promise.succeed(chosen.map(NIOSSLContextConfigurationOverride.init) ?? .noChanges)
      }
    }
    context = try NIOSSLContext(configuration: configuration)
  }

  /// Where two certificates bear a name, the earlier one has it.
  static func index(_ certificates: [LoadedCertificate]) -> [String: LoadedCertificate] {
    var byName: [String: LoadedCertificate] = [:]
    for certificate in certificates {
      for name in certificate.names where byName[name] == nil { byName[name] = certificate }
    }
    return byName
  }

  /// Server names are compared without case; `*` stands for one label, the first (RFC 9525 §6.3).
  static func find<Value>(_ serverName: String, in byName: [String: Value]) -> Value? {
    let name = serverName.lowercased()
    if let exact = byName[name] { return exact }
    guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
    return byName["*" + name[dot...]]
  }
}

extension NIOSSLContextConfigurationOverride {
  fileprivate init(_ certificate: LoadedCertificate) {
    self.init()
    certificateChain = certificate.chain.map { .certificate($0) }
    privateKey = .privateKey(certificate.privateKey)
  }
}
