import Foundation
import LibCrypto
import MailModel
import SMTPAuth

/// The demo's key and certificate in its data folder, made where they are missing.
struct DemoFiles {
  /// Under which generated passwords are digested.
  let key: DeploymentKey
  /// The path of the certificate, PEM.
  let certificate: String
  /// The path of its private key, PEM.
  let privateKey: String

  init(folder: String, host: String) throws {
    certificate = "\(folder)/certificate.pem"
    privateKey = "\(folder)/certificate.key"
    if !FileManager.default.fileExists(atPath: certificate) {
      let addresses = Set([host, "127.0.0.1", "::1"].compactMap(IPAddress.init))
      let made = try SelfSignedCertificate(names: [.dns("localhost")] + addresses.map { .ipAddress("\($0)") })
      try Self.write(made.privateKeyPEM, to: privateKey)
      try Self.write(made.certificatePEM, to: certificate)
    }
    let keyPath = "\(folder)/deployment.key"
    if !FileManager.default.fileExists(atPath: keyPath) {
      try Self.write(DeploymentKey.generate().octets, to: keyPath)
    }
    guard let key = DeploymentKey([UInt8](try Data(contentsOf: URL(filePath: keyPath)))) else {
      throw CocoaError(.fileReadCorruptFile, userInfo: [NSFilePathErrorKey: keyPath])
    }
    self.key = key
  }

  /// Whole, or not at all, and for the owner alone; on stable storage, since what stands in the database relies on it.
  private static func write(_ octets: [UInt8], to path: String) throws {
    let temporary = path + ".new"
    let failure = CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path])
    guard
      FileManager.default.createFile(atPath: temporary, contents: Data(octets), attributes: [.posixPermissions: 0o600])
    else { throw failure }
    let file = try FileHandle(forWritingTo: URL(filePath: temporary))
    try file.synchronize()
    try file.close()
    guard rename(temporary, path) == 0 else { throw failure }
    let folder = open(URL(filePath: path).deletingLastPathComponent().path, O_RDONLY)
    defer { close(folder) }
    guard folder >= 0, fsync(folder) == 0 else { throw failure }
  }
}
