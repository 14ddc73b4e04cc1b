import AccessControl
import DeliveryQueue
import Logging
public import MailModel
import SMTPAuth
public import SMTPProtocol
import Synchronization

/// What a ``SubmissionService`` keeps of one connection.
public final class SubmissionSession: PolicySession {
  private let service: SubmissionService
  private let client: SocketEndpoint
  private let endpointType: EndpointType
  private let identity = Mutex<String?>(nil)

  init(service: SubmissionService, client: SocketEndpoint, endpointType: EndpointType) {
    (self.service, self.client, self.endpointType) = (service, client, endpointType)
  }

  /// What the service's authenticator knows.
  public func mechanisms(_ tls: TLSFacts) -> [String] { SASLMechanism.allCases.map(\.rawValue) }

  /// An exchange whose success also needs the network rules of the identity's instance.
  public func authenticate(_ mechanism: String) async -> SubmissionExchange {
    SubmissionExchange(SASLMechanism(rawValue: mechanism)?.makeExchange(service.authenticator), session: self)
  }

  /// The sender's domain must be one of the account's own. The null path passes: a customer's mail server sends its
  /// reports so (RFC 5321 §6.1).
  public func sender(_ sender: SenderRequest) async -> PolicyDecision {
    switch await account() {
    case .failure(let refusal): return .refuse(refusal.reply)
    case .success(let account):
      guard let mailbox = sender.reversePath.mailbox else { return .accept }
      guard let domain = mailbox.domain, account.domains.contains(domain) else {
        return .refuse(.foreignSender(mailbox.host))
      }
      return .accept
    }
  }

  /// Any valid destination.
  public func recipient(_ recipient: ForwardPath) async -> PolicyDecision { .accept }

  /// Into the queue.
  public func beginMessage(_ message: MessageRequest) async -> MessageDecision<MessageIntake> {
    switch await account() {
    case .failure(let refusal): return .refuse(refusal.reply)
    case .success(let account):
      let environment = service.environment
      return .accept(
        MessageIntake(
          id: service.queueIDs.next(at: environment.time.now()), request: message,
          tenant: account.instance.id.description, client: client, environment: environment))
    }
  }

  struct Refusal: Error {
    var reply: SMTPReply
  }

  /// The network rules of the identity's instance, and then the identity holds for the connection.
  func proved(_ identity: String) async -> AuthenticationStep {
    switch await account(of: identity) {
    case .failure(let refusal): return .failure(refusal.reply)
    case .success:
      self.identity.withLock { $0 = identity }
      return .success(identity: identity)
    }
  }

  /// Logs what a client need not know.
  func log(_ failure: AuthenticationFailure) {
    guard failure.reason == .temporarilyUnavailable else { return }
    service.logger.error("credentials cannot be checked", metadata: ["error": "\(String(reflecting: failure))"])
  }

  private func account() async -> Result<Account, Refusal> {
    guard let identity = identity.withLock({ $0 }) else { return .failure(Refusal(reply: .authenticationRequired)) }
    return await account(of: identity)
  }

  /// Asked anew each time, so that whatever was taken away is gone at once.
  private func account(of identity: String) async -> Result<Account, Refusal> {
    do {
      guard let account = try await service.tenants.account(identity) else {
        return .failure(Refusal(reply: .credentialsInvalid))
      }
      let request = AccessRequest(address: client.address, endpointType: endpointType)
      guard account.accessPolicy.evaluate(request).isAllowed else { return .failure(Refusal(reply: .instanceDenied)) }
      return .success(account)
    } catch {
      service.logger.error("tenants cannot be asked", metadata: ["error": "\(String(reflecting: error))"])
      return .failure(Refusal(reply: .unavailable))
    }
  }
}

/// A SASL exchange in the protocol's terms.
public final class SubmissionExchange: AuthenticationExchange {
  private let exchange: (any SASLExchange)?
  private let session: SubmissionSession

  init(_ exchange: (any SASLExchange)?, session: SubmissionSession) {
    (self.exchange, self.session) = (exchange, session)
  }

  /// ``AuthenticationExchange``.
  public func step(_ response: [UInt8]?) async -> AuthenticationStep {
    switch await exchange?.step(response) {
    case .challenge(let octets): return .challenge(octets)
    case .success(let identity): return await session.proved(identity)
    case .failure(let failure):
      session.log(failure)
      return .failure(failure.reply)
    case nil: return .failure(.credentialsInvalid)
    }
  }
}

extension AuthenticationFailure {
  /// RFC 4954 §6.
  var reply: SMTPReply {
    switch reason {
    case .invalidCredentials: .credentialsInvalid
    case .malformedResponse: .malformedCredentials
    case .temporarilyUnavailable: .unavailable
    @unknown default: .unavailable
    }
  }
}
