import AccessControl
import DeliveryQueue
import GRDB
import MailModel
import SMTPAuth
import SMTPSubmission

/// Tenants as rows.
enum TenantRows {
  static func write(_ change: TenantChange, to database: Database) throws {
    switch change {
    case .addInstance(let instance):
      try database.execute(
        sql: "INSERT INTO instance (id, name) VALUES (?, ?)", arguments: [instance.id.description, instance.name])
    case .addConfiguration(let configuration):
      try database.execute(
        sql: "INSERT INTO configuration (id, instance, name, details, domain) VALUES (?, ?, ?, ?, ?)",
        arguments: [
          configuration.id.description, configuration.instance.description, configuration.name, configuration.details,
          configuration.domain.description,
        ])
    case .addUser(let user):
      try database.execute(
        sql: "INSERT INTO smtp_user (id, configuration, username, verifier) VALUES (?, ?, ?, ?)",
        arguments: [user.id.description, user.configuration.description, user.username, user.verifier.encoded])
    case .setVerifier(let id, let verifier):
      try database.execute(
        sql: "UPDATE smtp_user SET verifier = ? WHERE username = (SELECT username FROM smtp_user WHERE id = ?)",
        arguments: [verifier.encoded, id.description])
    case .removeUser(let id):
      try database.execute(sql: "DELETE FROM smtp_user WHERE id = ?", arguments: [id.description])
    case .setAccessPolicy(let id, let policy):
      try database.execute(
        sql: "INSERT OR REPLACE INTO access_policy (instance, document) VALUES (?, ?)",
        arguments: [id.description, try AccessPolicyDocument(policy).encoded()])
    @unknown default:
      throw StorageError(.cannotOpen, "a kind of change that this version cannot store")
    }
  }

  /// Everything there is, in the order in which it stands on itself.
  static func directory(in database: Database) throws -> TenantDirectory {
    do {
      var directory = TenantDirectory()
      for change in try instances(in: database) + configurations(in: database) + users(in: database)
        + policies(in: database)
      {
        try directory.apply(change)
      }
      return directory
    } catch let error as QueueError where error.code == .damaged {
      throw StorageError(.damaged, "a row of the tenants' tables cannot be read", cause: error)
    }
  }

  private static func instances(in database: Database) throws -> [TenantChange] {
    try database.rows("SELECT id, name FROM instance") { row in
      .addInstance(try Instance(id: identifier(row.text(0)), name: row.text(1)))
    }
  }

  private static func configurations(in database: Database) throws -> [TenantChange] {
    try database.rows("SELECT id, instance, name, details, domain FROM configuration") { row in
      let id = try row.text(0)
      guard let domain = DomainName(try row.text(4)) else { throw damaged("a domain", id) }
      return .addConfiguration(
        try SMTPConfiguration(
          id: identifier(id), instance: identifier(row.text(1)), name: row.text(2), details: row.text(3),
          domain: domain))
    }
  }

  private static func users(in database: Database) throws -> [TenantChange] {
    try database.rows("SELECT id, configuration, username, verifier FROM smtp_user") { row in
      let id = try row.text(0)
      guard let verifier = SecretVerifier(encoded: try row.text(3)) else { throw damaged("a verifier", id) }
      return .addUser(
        try SMTPUser(
          id: identifier(id), configuration: identifier(row.text(1)), username: row.text(2), verifier: verifier))
    }
  }

  private static func policies(in database: Database) throws -> [TenantChange] {
    try database.rows("SELECT instance, document FROM access_policy") { row in
      .setAccessPolicy(try identifier(row.text(0)), try AccessPolicyDocument(encoded: row.text(1)).policy())
    }
  }

  private static func identifier<Thing>(_ text: String) throws -> Identifier<Thing> {
    guard let identifier = Identifier<Thing>(text) else { throw damaged("an identifier", text) }
    return identifier
  }

  private static func damaged(_ what: String, _ id: String) -> StorageError {
    StorageError(.damaged, "\(what) in the tenants' tables cannot be read: \(id)")
  }
}
