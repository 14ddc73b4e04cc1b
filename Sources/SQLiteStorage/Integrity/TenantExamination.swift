import GRDB

extension FolderExamination {
  /// Whether the tenants can be understood, without which nothing starts.
  mutating func examineTenants(of connection: DatabaseQueue) throws {
    do {
      _ = try connection.examine { try TenantRows.directory(in: $0) }
    } catch let error as DatabaseError {
      throw error
    } catch {
      add(StorageFinding(.tenant, file: FolderResources.databaseName, text: "\(error)"))
    }
  }

  /// Takes away what belongs to an instance or a configuration that is not there any more. The rest that cannot be
  /// understood is told, and left: who may send is not for a repair to decide.
  mutating func repairTenants(of connection: DatabaseQueue) throws {
    for (table, parent, column) in [
      ("configuration", "instance", "instance"), ("smtp_user", "configuration", "configuration"),
      ("access_policy", "instance", "instance"),
    ] {
      let key = table == "access_policy" ? "instance" : "id"
      let lost = try connection.writeWithoutTransaction { database in
        try database.execute(sql: "PRAGMA foreign_keys = OFF")
        defer { try? database.execute(sql: "PRAGMA foreign_keys = ON") }
        return try String.fetchAll(
          database,
          sql: "DELETE FROM \(table) WHERE \(column) NOT IN (SELECT id FROM \(parent)) RETURNING \(key)")
      }
      for id in lost {
        add(
          StorageFinding(
            .tenant, file: FolderResources.databaseName, text: "the \(parent) of the \(table) \(id) is lost",
            action: "removed"))
      }
    }
    try examineTenants(of: connection)
  }
}
