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

  /// What the delivery keeps, since intake and queue keep everything. Not DSN, as long as no
  /// ``DeliveryQueue/DeliveryService`` makes reports.
  public var extensions: MailExtensions { service.extensions }

  /// An exchange whose success also needs the network rules of the identity's instance.
  public func authenticate(_ mechanism: String) async -> SubmissionExchange {
    SubmissionExchange(SASLMechanism(rawValue: mechanism)?.makeExchange(service.authenticator), session: self)
  }

  /// The sender's domain must be one of the account's own. The null path passes: a customer's mail server sends its
  /// reports so (RFC 5321 §6.1).
  public func sender(_ sender: SenderRequest) async -> PolicyDecision {
    await refusal(of: sender.reversePath).map { .refuse($0) } ?? .accept
  }

  /// Any valid destination.
  public func recipient(_ recipient: Recipient) async -> PolicyDecision { .accept }

  /// Into the queue, if the sender may still send; asked once more when the content is whole.
  public func beginMessage(_ message: MessageRequest) async -> MessageDecision<MessageIntake> {
    switch await account(mayingSendAs: message.envelope.reversePath) {
    case .failure(let refusal): return .refuse(refusal.reply)
    case .success(let account):
      let environment = service.environment
      var message = message
      // Nobody here is trusted to say who else submitted a message: RFC 4954 §5 makes `<>` of it.
      if message.envelope.parameters.submitter != nil { message.envelope.parameters.submitter = .null }
      return .accept(
        MessageIntake(
          id: service.queueIDs.next(at: environment.time.now()), request: message,
          tenant: account.instance.id.description, client: client, session: self, environment: environment))
    }
  }

  /// Why this connection may not send with that reverse path; `nil` where it may.
  func refusal(of path: ReversePath) async -> SMTPReply? {
    if case .failure(let refusal) = await account(mayingSendAs: path) { refusal.reply } else { nil }
  }
}

// Accounts.
extension SubmissionSession {
  private struct Refusal: Error {
    var reply: SMTPReply
  }

  private func account(mayingSendAs path: ReversePath) async -> Result<Account, Refusal> {
    let account: Account
    do {
      // Asked anew each time, so that whatever was taken away is gone at once.
      guard let identity = identity.withLock({ $0 }) else { return .failure(Refusal(reply: .authenticationRequired)) }
      guard let found = try await service.tenants.account(identity), isAdmitted(found) else {
        return .failure(Refusal(reply: .accountGone))
      }
      account = found
    } catch {
      service.logger.error("Tenants cannot be asked", metadata: metadata(["error": addresses.logged(error)]))
      return .failure(Refusal(reply: .unavailable))
    }
    guard let mailbox = path.mailbox else { return .success(account) }
    guard let domain = mailbox.domain, account.domains.contains(domain) else {
      return .failure(Refusal(reply: .foreignSender(mailbox.host)))
    }
    return .success(account)
  }

  private func isAdmitted(_ account: Account) -> Bool {
    account.accessPolicy.evaluate(AccessRequest(address: client.address, endpointType: endpointType)).isAllowed
  }

  /// The password was right. From outside the instance's own network that is answered as if it were wrong, so that
  /// nobody learns from anywhere which passwords are right; the log knows.
  func proved(_ identity: String) async -> AuthenticationStep {
    do {
      guard let account = try await service.tenants.account(identity) else {
        return .failure(refused(.invalidCredentials))
      }
      guard isAdmitted(account) else {
        let request = AccessRequest(address: client.address, endpointType: endpointType)
        service.logger.notice(
          "Authenticated, and not let in by the instance's rules",
          metadata: metadata([
            "identity": "\(identity)", "tenant": "\(account.instance.id)",
            "decision": "\(addresses.visible(account.accessPolicy.evaluate(request).description))",
          ]))
        return .failure(.credentialsInvalid)
      }
      self.identity.withLock { $0 = identity }
      return .success(identity: identity)
    } catch {
      return .failure(refused(AuthenticationFailure(.temporarilyUnavailable, cause: error)))
    }
  }

  /// Logs what a client need not know, and no username: people type passwords there.
  func refused(_ failure: AuthenticationFailure) -> SMTPReply {
    if failure.reason == .temporarilyUnavailable {
      service.logger.error(
        "Credentials cannot be checked",
        metadata: metadata(["error": "\(addresses.visible(String(reflecting: failure)))"]))
    } else {
      service.logger.notice("Authentication failed", metadata: metadata([:]))
    }
    return failure.reply
  }

  private var addresses: AddressDisplay { service.environment.addressesInLog }

  private func metadata(_ more: Logger.Metadata) -> Logger.Metadata {
    more.merging(["client": "\(client)"], uniquingKeysWith: { own, _ in own })
  }
}
