import Logging
import SMTPListener
import ServiceLifecycle
import UnixSignals

/// Reads the certificate again at SIGHUP.
struct CertificateReload: Service {
  let tls: ServerTLS
  let logger: Logger

  func run() async throws {
    for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
      do {
        try await tls.reload()
        logger.notice("certificate reloaded")
      } catch {
        logger.error("certificate not reloaded", metadata: ["error": "\(error)"])
      }
    }
  }
}
