extension Migration {
  /// The tenants. They are few and seldom change; what the hot path asks is answered from memory.
  static let tenants1 = Migration(
    "tenants 1",
    sql: """
      CREATE TABLE instance (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT;
      CREATE TABLE configuration (
        id TEXT PRIMARY KEY,
        instance TEXT NOT NULL REFERENCES instance,
        name TEXT NOT NULL,
        details TEXT NOT NULL,
        domain TEXT NOT NULL
      ) STRICT;
      CREATE TABLE smtp_user (
        id TEXT PRIMARY KEY,
        configuration TEXT NOT NULL REFERENCES configuration,
        username TEXT NOT NULL,
        verifier TEXT NOT NULL
      ) STRICT;
      CREATE TABLE access_policy (
        instance TEXT PRIMARY KEY REFERENCES instance,
        document TEXT NOT NULL
      ) STRICT;
      """)
}
