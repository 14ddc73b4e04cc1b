import DeliveryQueue

extension Migration {
  /// The queue. All keys ascend with time, and nothing that is written often has a second index.
  ///
  /// - `message` and `recipient` are narrow, and stay as history when a message is finished.
  /// - `content` holds what is heavy, until then: a body, or the name of the spool file that has it.
  /// - `pending` is what the claim ledger is filled from at the start: the messages with recipients left.
  static let queue1 = Migration(
    "queue 1",
    sql: """
      CREATE TABLE message (
        sequence INTEGER PRIMARY KEY,
        secret INTEGER NOT NULL,
        tenant TEXT,
        reverse_path TEXT NOT NULL,
        body_type TEXT NOT NULL,
        accepted_at INTEGER NOT NULL,
        size INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE recipient (
        message INTEGER NOT NULL,
        place INTEGER NOT NULL,
        path TEXT NOT NULL,
        state INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        next_attempt INTEGER,
        last_attempt INTEGER,
        reply_code INTEGER,
        reply_text TEXT,
        PRIMARY KEY (message, place)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE content (
        message INTEGER PRIMARY KEY,
        spool TEXT,
        prefix BLOB NOT NULL,
        body BLOB
      ) STRICT;
      CREATE TABLE pending (
        message INTEGER PRIMARY KEY,
        due INTEGER NOT NULL,
        size INTEGER NOT NULL
      ) STRICT;
      """)

  /// What a sender asks of the whole way (``MailModel/MessageParameters``, ``MailModel/RecipientParameters``). Most ask
  /// nothing, which is NULL in every column: an octet each. Adding such columns rewrites no row.
  static let queue2 = Migration(
    "queue 2",
    sql: """
      ALTER TABLE message ADD COLUMN smtputf8 INTEGER;
      ALTER TABLE message ADD COLUMN ret TEXT;
      ALTER TABLE message ADD COLUMN envid TEXT;
      ALTER TABLE message ADD COLUMN submitter TEXT;
      ALTER TABLE recipient ADD COLUMN notify INTEGER;
      ALTER TABLE recipient ADD COLUMN orcpt TEXT;
      """)
}

extension RecipientState {
  /// As it stands in the database.
  var number: Int {
    switch self {
    case .queued: 0
    case .deferred: 1
    case .delivered: 2
    case .bounced: 3
    case .expired: 4
    case .suppressed: 5
    case .removed: 6
    }
  }

  init?(number: Int) {
    guard let state = Self.allCases.first(where: { $0.number == number }) else { return nil }
    self = state
  }
}
