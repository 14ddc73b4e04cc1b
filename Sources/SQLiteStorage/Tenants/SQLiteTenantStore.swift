public import AccessControl
import DeliveryQueue
import GRDB
public import SMTPAuth
public import SMTPSubmission
import Synchronization

/// The tenants of a ``StorageFolder``. Everything is held in memory too, and read from there.
public final class SQLiteTenantStore: TenantStore, TenantAdministration {
  private let writer: Writer
  private let directory: Mutex<TenantDirectory>
  private let turnstile = Turnstile()

  /// Reads all tenants. Blocks.
  init(of resources: FolderResources) throws {
    writer = resources.writer
    let path = resources.path + "/" + FolderResources.databaseName
    let connection = try Connections.reader(path: path, label: "submission.start")
    defer { try? connection.close() }
    directory = Mutex(try connection.read { try TenantRows.directory(in: $0) })
  }

  /// ``TenantAdministration``.
  public func apply(_ changes: [TenantChange]) async throws {
    // One at a time, so that each is checked against what the one before has left.
    await turnstile.enter()
    defer { turnstile.leave() }
    var changed = directory.withLock { $0 }
    for change in changes { try changed.apply(change) }
    do {
      try await writer.perform { database in
        for change in changes { try TenantRows.write(change, to: database) }
      }
    } catch {
      throw TenantError(.storageFailed, "the change could not be stored", cause: error)
    }
    directory.withLock { [changed] in $0 = changed }
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
