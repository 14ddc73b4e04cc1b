import Logging
import MailModel
import SMTPProtocol

/// What all connections of one endpoint share. A class, so that it is there once.
final class EndpointContext: Sendable {
  /// Opens the dialogue with the policy about a new connection.
  let dialogue: @Sendable (ConnectionFacts) -> any Dialogue
  let type: EndpointType
  let configuration: ServerConfiguration
  let limits: ConnectionLimits
  let tls: ServerTLS?
  let registry: ConnectionRegistry
  let proxies: [IPNetwork]
  let logger: Logger

  init(
    policy: some SubmissionPolicy, type: EndpointType, configuration: ServerConfiguration, limits: ConnectionLimits,
    tls: ServerTLS?, registry: ConnectionRegistry, proxies: [IPNetwork], logger: Logger
  ) {
    dialogue = { PolicyDialogue(policy: policy, connection: $0) }
    (self.type, self.configuration, self.limits) = (type, configuration, limits)
    (self.tls, self.registry, self.proxies, self.logger) = (tls, registry, proxies, logger)
  }

  /// Octets that are shown to the session at a time, so that many small commands make only so many
  /// replies before it is looked whether the client reads them. Every line of legal length fits.
  var inputWindow: Int {
    max(16_384, configuration.limits.commandLine, configuration.limits.authenticationLine)
  }
}
