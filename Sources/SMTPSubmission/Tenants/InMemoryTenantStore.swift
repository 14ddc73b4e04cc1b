public import AccessControl
public import SMTPAuth
import Synchronization

/// A ``TenantStore`` and ``TenantAdministration`` in memory, for tests and for hosts that keep their tenants elsewhere and load them at start.
public final class InMemoryTenantStore: TenantStore, TenantAdministration {
  private let directory = Mutex(TenantDirectory())

  /// A store without anything.
  public init() {}

  /// ``TenantAdministration``.
  public func apply(_ changes: [TenantChange]) async throws {
    try directory.withLock { directory in
      var changed = directory
      for change in changes { try changed.apply(change) }
      directory = changed
    }
  }

  /// ``TenantStore``.
  public func admits(_ request: AccessRequest) async throws -> Bool {
    directory.withLock { $0.allAccessPolicies }.contains { $0.evaluate(request).isAllowed }
  }

  /// ``TenantStore``.
  public func account(_ identity: String) async throws -> Account? { directory.withLock { $0.account(identity) } }

  /// ``TenantAdministration``.
  public func instances() async throws -> [Instance] { directory.withLock { $0.allInstances() } }

  /// ``TenantAdministration``.
  public func configurations(of instance: Identifier<Instance>) async throws -> [SMTPConfiguration] {
    directory.withLock { $0.configurations(of: instance) }
  }

  /// ``TenantAdministration``.
  public func users(of configuration: Identifier<SMTPConfiguration>) async throws -> [SMTPUser] {
    directory.withLock { $0.users(of: configuration) }
  }

  /// ``CredentialSource``.
  public func lookup(_ username: String) async throws -> CredentialLookup {
    directory.withLock { $0.lookup(username) }
  }
}
