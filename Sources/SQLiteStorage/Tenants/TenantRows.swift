import AccessControl
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
    var directory = TenantDirectory()
    for row in try Row.fetchAll(database, sql: "SELECT id, name FROM instance") {
      try directory.apply(.addInstance(Instance(id: identifier(row["id"]), name: row["name"])))
    }
    for row in try Row.fetchAll(database, sql: "SELECT id, instance, name, details, domain FROM configuration") {
      guard let domain = DomainName(row["domain"] as String) else { throw damaged("a domain", row["id"]) }
      let configuration = SMTPConfiguration(
        id: try identifier(row["id"]), instance: try identifier(row["instance"]), name: row["name"],
        details: row["details"], domain: domain)
      try directory.apply(.addConfiguration(configuration))
    }
    for row in try Row.fetchAll(database, sql: "SELECT id, configuration, username, verifier FROM smtp_user") {
      guard let verifier = SecretVerifier(encoded: row["verifier"]) else { throw damaged("a verifier", row["id"]) }
      let user = SMTPUser(
        id: try identifier(row["id"]), configuration: try identifier(row["configuration"]), username: row["username"],
        verifier: verifier)
      try directory.apply(.addUser(user))
    }
    for row in try Row.fetchAll(database, sql: "SELECT instance, document FROM access_policy") {
      let policy = try AccessPolicyDocument(encoded: row["document"]).policy()
      try directory.apply(.setAccessPolicy(identifier(row["instance"]), policy))
    }
    return directory
  }

  private static func identifier<Thing>(_ text: String) throws -> Identifier<Thing> {
    guard let identifier = Identifier<Thing>(text) else { throw damaged("an identifier", text) }
    return identifier
  }

  private static func damaged(_ what: String, _ id: String) -> StorageError {
    StorageError(.damaged, "\(what) in the tenants' tables cannot be read: \(id)")
  }
}
