import Foundation

/// A self-signed certificate for `relay.example` and 127.0.0.1, and its key, in PEM files.
struct TestCertificate: Sendable {
  let certificatePath: String
  let keyPath: String

  /// Made once a run; `nil` where there is no openssl.
  static let shared: TestCertificate? = try? TestCertificate()

  private init() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("certificate-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    (certificatePath, keyPath) = (folder + "/certificate.pem", folder + "/key.pem")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", "/CN=relay.example", "-addext", "subjectAltName=DNS:relay.example,IP:127.0.0.1", "-keyout", keyPath,
      "-out", certificatePath,
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
  }
}
