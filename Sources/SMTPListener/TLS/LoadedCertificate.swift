import Foundation
import NIOCore
import NIOSSL

/// A certificate with its key, read and found to belong together.
struct LoadedCertificate: Sendable {
  let chain: [NIOSSLCertificate]
  let privateKey: NIOSSLPrivateKey
  /// In lower case.
  let names: [String]
  /// Differs where the files' content does.
  let fingerprint: Int

  /// Reads `files`. Blocks.
  init(reading files: CertificateFiles) throws {
    let chainOctets = try Self.content(of: files.chain)
    let keyOctets = try Self.content(of: files.privateKey)
    chain = try Self.parsing(files.chain, "holds no certificate") { try NIOSSLCertificate.fromPEMBytes(chainOctets) }
    guard let leaf = chain.first else {
      throw ListenerError(.invalidCertificate, "\(files.chain) holds no certificate")
    }
    privateKey = try Self.parsing(files.privateKey, "holds no private key without a passphrase") {
      try NIOSSLPrivateKey(bytes: keyOctets, format: .pem)
    }
    names = (files.names ?? leaf.dnsNames).map { $0.lowercased() }
    var hasher = Hasher()
    hasher.combine(chainOctets)
    hasher.combine(keyOctets)
    fingerprint = hasher.finalize()
    _ = try Self.parsing(files.privateKey, "holds another key than that of the certificate in \(files.chain)") {
      try NIOSSLContext(configuration: configuration)
    }
  }

  /// TLS 1.2 and up; no certificate is asked of a client.
  var configuration: TLSConfiguration {
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
    configuration.minimumTLSVersion = .tlsv12
    // A client that never answers the end of the TLS session is not waited for any longer.
    configuration.shutdownTimeout = .seconds(1)
    return configuration
  }

  private static func content(of path: String) throws -> [UInt8] {
    do {
      return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw ListenerError(.invalidCertificate, "\(path) cannot be read", cause: error)
    }
  }

  private static func parsing<Value>(_ path: String, _ fault: String, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch {
      throw ListenerError(.invalidCertificate, "\(path) \(fault)", cause: error)
    }
  }
}

extension NIOSSLCertificate {
  fileprivate var dnsNames: [String] {
    _subjectAlternativeNames().filter { $0.nameType == .dnsName }.map { String(decoding: $0.contents, as: UTF8.self) }
  }
}
