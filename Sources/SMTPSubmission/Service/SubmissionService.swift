import AccessControl
public import DeliveryQueue
public import Logging
public import MailModel
public import Metrics
public import SMTPAuth
public import SMTPProtocol

/// The policy of a submission service: who may connect, who sends as whom, and where messages go.
///
/// Give it to a listener as its policy. All of its state is in its stores, so that several listeners may share one.
public final class SubmissionService: SubmissionPolicy {
  let tenants: any TenantStore
  let authenticator: Authenticator
  let queueIDs: QueueIDGenerator
  let environment: IntakeEnvironment
  /// Everything on the way to the queue keeps all of a message's parameters, so that what follows it decides.
  let extensions: MailExtensions
  let logger: Logger

  /// A service over these stores.
  ///
  /// - Parameters:
  ///   - configuration: how it behaves.
  ///   - tenants: who there is.
  ///   - key: the key under which the tenants' generated secrets were digested.
  ///   - queue: takes the messages.
  ///   - delivery: is told of every new message, so that it goes out at once, and says which extensions may be offered;
  ///     `nil` where another process delivers, see ``SubmissionConfiguration/deliveryExtensions``.
  ///   - queueIDs: names the messages. Give it the queue's greatest sequence, so that names ascend over restarts.
  ///   - time: the calendar.
  ///   - logger: for what happens. What concerns a message bears its queue ID as metadata, and addresses as
  ///     ``SubmissionConfiguration/addressesInLog`` says.
  ///   - metrics: where messages are counted; by default what the process has bootstrapped by now.
  public init(
    configuration: SubmissionConfiguration, tenants: any TenantStore, key: DeploymentKey, queue: any QueueStore,
    delivery: DeliveryService?, queueIDs: QueueIDGenerator = QueueIDGenerator(),
    time: any TimeSource = SystemTime(), logger: Logger, metrics: any MetricsFactory = MetricsSystem.factory
  ) {
    self.tenants = tenants
    self.logger = logger
    authenticator = Authenticator(source: tenants, key: key)
    self.queueIDs = queueIDs
    extensions = delivery?.extensions ?? configuration.deliveryExtensions
    environment = IntakeEnvironment(
      hostName: configuration.hostName, hidesClientAddress: !configuration.showsClientAddress,
      limits: configuration.intake, memory: MemoryBudget(limit: configuration.intake.memoryInAll), queue: queue,
      delivery: delivery, time: time, logger: logger, addressesInLog: configuration.addressesInLog,
      metrics: IntakeMetrics(metrics))
  }

  /// Default deny: a client that no instance's rules let in, or whose address is not known, is told so before anything else
  /// (RFC 5321 §3.1).
  public func connect(_ connection: ConnectionFacts) async -> ConnectionDecision<SubmissionSession> {
    guard let client = connection.client else { return .refuse(.networkDenied) }
    let request = AccessRequest(address: client.address, endpointType: connection.endpointType)
    do {
      guard try await tenants.admits(request) else {
        logger.debug("No rule lets the client in", metadata: ["client": "\(client)"])
        return .refuse(.networkDenied)
      }
      return .accept(SubmissionSession(service: self, client: client, endpointType: connection.endpointType))
    } catch {
      logger.error("Tenants cannot be asked", metadata: ["error": environment.addressesInLog.logged(error)])
      return .refuse(.serviceUnavailable)
    }
  }
}
