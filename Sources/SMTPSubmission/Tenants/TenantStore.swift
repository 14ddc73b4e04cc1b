public import AccessControl
public import MailModel
public import SMTPAuth

/// What the way of a message asks about tenants. Its ``CredentialSource/lookup(_:)`` gives the users' credentials, with
/// ``SMTPUser/id`` as the identity.
///
/// Every connection and every message waits for the answers: a store gives them from memory, or from what it may keep in
/// memory for a moment. All requirements may be called at once from many tasks.
public protocol TenantStore: CredentialSource {
  /// Whether any instance's rules let this client in: asked before anything else is known of it.
  func admits(_ request: AccessRequest) async throws -> Bool

  /// What an authenticated identity stands for; `nil` where it exists no more.
  func account(_ identity: String) async throws -> Account?
}

/// Keeps instances, their configurations, users and access rules. All requirements may be called at once from many tasks.
public protocol TenantAdministration: Sendable {
  /// Makes all of `changes`, in their order, or none. What they did is durable when this returns, as far as the store is,
  /// and every read that begins after that sees it, those of ``TenantStore`` too.
  ///
  /// - Throws: ``TenantError``.
  func apply(_ changes: [TenantChange]) async throws

  /// The instances, in the order of their IDs.
  func instances() async throws -> [Instance]

  /// An instance's configurations, in the order of their domains.
  func configurations(of instance: Identifier<Instance>) async throws -> [SMTPConfiguration]

  /// A configuration's users, in the order of their usernames.
  func users(of configuration: Identifier<SMTPConfiguration>) async throws -> [SMTPUser]
}

/// One change of a tenant's data.
@nonexhaustive public enum TenantChange: Sendable {
  /// A new instance.
  case addInstance(Instance)
  /// A new configuration of an instance that exists. One domain, one configuration of an instance.
  case addConfiguration(SMTPConfiguration)
  /// A new user of a configuration that exists: at most five of one, and no username twice in a configuration or in two
  /// instances. The same username in another configuration of the instance is a clone, and has the same verifier.
  case addUser(SMTPUser)
  /// Another verifier for a user and all its clones: the old password is void at once.
  case setVerifier(Identifier<SMTPUser>, SecretVerifier)
  /// A user goes.
  case removeUser(Identifier<SMTPUser>)
  /// The whole of an instance's zones and rules, in place of the earlier ones.
  case setAccessPolicy(Identifier<Instance>, AccessPolicy)
}

/// What an identity stands for.
public struct Account: Sendable {
  /// Who.
  public var user: SMTPUser
  /// Of which instance.
  public var instance: Instance
  /// The domains from which the user may send: those of every configuration of the instance that knows the username.
  public var domains: Set<DomainName>
  /// Who may connect for the instance.
  public var accessPolicy: AccessPolicy

  /// An account of these parts.
  public init(user: SMTPUser, instance: Instance, domains: Set<DomainName>, accessPolicy: AccessPolicy) {
    (self.user, self.instance, self.domains, self.accessPolicy) = (user, instance, domains, accessPolicy)
  }
}
