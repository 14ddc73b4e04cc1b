import Dispatch
import Logging
import NIOSSL
import Synchronization

/// A server's certificates: TLS 1.2 and up (RFC 8996), a certificate for each server name that clients ask for
/// (RFC 6066 §3), exchanged without a restart.
///
/// Tickets of a TLS session may be resumed on every endpoint of the server until the next reload. They say nothing of
/// who the client is: AUTH comes anew on each connection.
public final class ServerTLS: Sendable {
  /// How often the files are looked at for changes while a server runs; `nil`: never.
  public let checkInterval: Duration?

  private let files: [CertificateFiles]
  private let selection: Mutex<CertificateSelection>
  /// Reading files blocks; one reload at a time.
  private let queue = DispatchQueue(label: "smtp.server-tls")

  /// Reads the files, and blocks meanwhile.
  ///
  /// - Parameters:
  ///   - certificates: at least one. The first is for clients that name no server, or an unknown one.
  ///   - checkInterval: how often a running server looks whether the files' content has changed; `nil`, the default,
  ///     leaves that to ``reload()``.
  /// - Throws: ``ListenerError`` of code ``ListenerError/Code/invalidCertificate``, which names the file.
  public init(_ certificates: [CertificateFiles], checkInterval: Duration? = nil) throws {
    files = certificates
    self.checkInterval = checkInterval
    selection = Mutex(try CertificateSelection(certificates.map(LoadedCertificate.init(reading:))))
  }

  /// Reads the files again. New connections get the new certificates, those that stand keep theirs.
  ///
  /// - Throws: ``ListenerError`` of code ``ListenerError/Code/invalidCertificate``, which names the file; then all
  ///   certificates stay as they were.
  public func reload() async throws { _ = try await load(onlyIfChanged: false) }

  /// What new connections begin TLS with.
  var context: NIOSSLContext { selection.withLock { $0.context } }

  /// Reloads whenever the content of the files has changed, until the task is cancelled. The content and not its date
  /// is compared, since tools that renew certificates exchange links to files of any age.
  func reloadOnChange(every interval: Duration, _ logger: Logger) async {
    while (try? await Task.sleep(for: interval)) != nil {
      do {
        if try await load(onlyIfChanged: true) { logger.info("TLS certificates were reloaded") }
      } catch {
        logger.error("TLS certificates cannot be reloaded; the old ones stay", metadata: ["error": "\(error)"])
      }
    }
  }

  /// - Returns: whether the certificates were exchanged.
  private func load(onlyIfChanged: Bool) async throws -> Bool {
    try await withCheckedThrowingContinuation { continuation in
      queue.async {
        continuation.resume(
          with: Result {
            let certificates = try self.files.map(LoadedCertificate.init(reading:))
            let isChanged = certificates.map(\.fingerprint) != self.selection.withLock { $0.fingerprints }
            guard isChanged || !onlyIfChanged else { return false }
            let selection = try CertificateSelection(certificates)
            self.selection.withLock { $0 = selection }
            return true
          })
      }
    }
  }
}
