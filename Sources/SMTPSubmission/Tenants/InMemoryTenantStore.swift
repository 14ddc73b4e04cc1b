public import AccessControl
public import SMTPAuth
import Synchronization

/// A ``TenantStore`` in memory, for tests and for hosts that keep their tenants elsewhere and load them at start.
public final class InMemoryTenantStore: TenantStore {
  private let directory = Mutex(TenantDirectory())

  /// A store without anything.
  public init() {}

  /// ``TenantStore``.
  public func apply(_ changes: [TenantChange]) async throws {
    try directory.withLock { directory in
      var changed = directory
      for change in changes { try changed.apply(change) }
      directory = changed
    }
  }

  /// ``TenantStore``.
  public func admits(_ request: AccessRequest) async throws -> Bool { directory.withLock { $0.admits(request) } }

  /// ``TenantStore``.
  public func account(_ identity: String) async throws -> Account? { directory.withLock { $0.account(identity) } }

  /// ``TenantStore``.
  public func instances() async throws -> [Instance] { directory.withLock { $0.allInstances() } }

  /// ``TenantStore``.
  public func configurations(of instance: Identifier<Instance>) async throws -> [SMTPConfiguration] {
    directory.withLock { $0.configurations(of: instance) }
  }

  /// ``TenantStore``.
  public func users(of configuration: Identifier<SMTPConfiguration>) async throws -> [SMTPUser] {
    directory.withLock { $0.users(of: configuration) }
  }

  /// ``CredentialSource``.
  public func lookup(_ username: String) async throws -> CredentialLookup {
    directory.withLock { $0.lookup(username) }
  }
}
