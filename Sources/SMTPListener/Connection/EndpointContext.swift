import Logging
import MailModel
import SMTPProtocol

/// What all connections of one endpoint share.
struct EndpointContext<Policy: SubmissionPolicy>: Sendable {
  let policy: Policy
  let type: EndpointType
  let configuration: ServerConfiguration
  let limits: ConnectionLimits
  let tls: ServerTLS?
  let registry: ConnectionRegistry
  let proxies: [IPNetwork]
  let logger: Logger

  /// Octets that are shown to the session at a time, so that many small commands make only so many
  /// replies before it is looked whether the client reads them. Every line of legal length fits.
  var inputWindow: Int {
    max(16_384, configuration.limits.commandLine, configuration.limits.authenticationLine)
  }
}
