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

  /// How many recipients of a message stand in each open state, beside the rest that is known without looking at it; the
  /// last order of an operator for a recipient, whole; a way to what the spool should hold; and by what content is told from
  /// damaged content (``ContentDigest``; NULL for what was queued before).
  static let queue3 = Migration(
    "queue 3",
    sql: """
      ALTER TABLE pending ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE pending ADD COLUMN deferred INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE pending ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
      CREATE TABLE operator_order (
        message INTEGER NOT NULL,
        place INTEGER NOT NULL,
        action TEXT NOT NULL,
        operator TEXT NOT NULL,
        reason TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (message, place)
      ) STRICT, WITHOUT ROWID;
      ALTER TABLE content ADD COLUMN digest BLOB;
      CREATE INDEX content_spool ON content (spool) WHERE spool IS NOT NULL;
      """,
    filling: """
      UPDATE pending SET
        queued = (SELECT count(*) FROM recipient WHERE recipient.message = pending.message AND state = 0),
        deferred = (SELECT count(*) FROM recipient WHERE recipient.message = pending.message AND state = 1);
      """)

  /// What the claim ledger needs of a message beside when it is due: whose it is, which goes first, and where the recipients
  /// are that are left, as `PendingDestination` writes it; and MT-PRIORITY as the sender gave it, NULL where it said nothing.
  static let queue4 = Migration(
    "queue 4",
    sql: """
      ALTER TABLE message ADD COLUMN mt_priority INTEGER;
      ALTER TABLE message ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
      ALTER TABLE pending ADD COLUMN tenant TEXT;
      ALTER TABLE pending ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
      ALTER TABLE pending ADD COLUMN destination TEXT;
      """,
    filling: """
      UPDATE pending SET
        tenant = (SELECT tenant FROM message WHERE sequence = pending.message),
        destination = (
          SELECT iif(min(host) = max(host), min(host), NULL) FROM (
            SELECT iif(instr(path, '@'), substr(path, length(rtrim(path, replace(path, '@', ''))) + 1), '') AS host
            FROM recipient WHERE recipient.message = pending.message AND state IN (0, 1, 7)));
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
    case .held: 7
    }
  }

  init?(number: Int) {
    guard let state = Self.allCases.first(where: { $0.number == number }) else { return nil }
    self = state
  }
}
