public import MailModel

/// Keeps accepted messages until each of their recipients is in a final state, and what became of them after that.
///
/// The contract of a store that says it is durable: when ``enqueue(_:)`` or ``settle(_:)`` returns, what it did survives
/// a crash of the process and of the machine. When one throws, nothing of it is kept, but for an error of code
/// ``QueueError/Code/unknownOutcome``. Cancelling a caller's task never undoes or tears what the store has begun.
/// All requirements may be called at once from many tasks.
public protocol QueueStore: Sendable {
  /// A place for the body of the message of that name, which is too large to be kept in memory. What a message that was
  /// queued does not name goes with ``MessageBodyWriter/discard()``, or at the latest when the store is next opened.
  func makeBody(for id: QueueID) async throws -> any MessageBodyWriter

  /// Takes the responsibility for a message. All its recipients are due at once, in ``RecipientState/queued``.
  ///
  /// - Throws: ``QueueError`` with code ``QueueError/Code/insufficientStorage`` where there is no room, or another
  ///   where it could not be kept.
  func enqueue(_ message: NewMessage) async throws

  /// Claims messages that have recipients due. A message is claimed for each site by itself, and no recipient is under two claims
  /// at a time: a claim ends when it is settled, or when its lease has run out.
  ///
  /// Tenants come in turn, and of a tenant the sites to which its messages go; of those, the higher priority, then the longest due.
  /// The request's ``ClaimRequest/rules`` are kept: a claim counts against them until its end is reported by
  /// ``ClaimRequest/ended``, it is settled, or its lease has run out.
  func claim(_ request: ClaimRequest) async throws -> ClaimBatch

  /// Holds claims longer.
  ///
  /// - Returns: those of `tokens` that still held and now hold until `leasedUntil`. The others are lost: their outcome
  ///   must not be settled.
  func extend(_ tokens: [Claim.Token], until leasedUntil: Timestamp) async throws -> [Claim.Token]

  /// Ends a claim: records what became of each recipient, queues what comes of it, and forgets the content once all
  /// recipients are final; all of it or nothing.
  ///
  /// - Throws: ``QueueError`` with code ``QueueError/Code/claimLost`` where the claim does not hold any more; in
  ///   particular, when the same settlement was made before.
  func settle(_ settlement: Settlement) async throws

  /// The content of a message that has recipients left, prefix and body as one.
  ///
  /// - Throws: ``QueueError`` with code ``QueueError/Code/noSuchMessage`` where there is none, or
  ///   ``QueueError/Code/damaged`` where it cannot be read.
  func content(of id: QueueID) async throws -> any MessageContent
}

/// Writes one large body into a store's spool. Calls come one at a time.
public protocol MessageBodyWriter: Sendable {
  /// Adds octets at the end.
  func append(_ octets: [UInt8]) async throws

  /// The body is complete and on stable storage, as far as the store is durable.
  func finish() async throws -> SpooledBody

  /// The body is not wanted: it goes, soon. Answers at once, and may be called at any time, during another call and after
  /// ``finish()`` too; a body that a queued message names stays.
  func discard()
}

/// The content of one message, to read.
public protocol MessageContent: Sendable {
  /// Octets.
  var count: Int { get }

  /// Up to `limit` octets from `offset` on; fewer only at the end, none behind it. It may be called on an event loop: what
  /// blocks, or takes long, belongs on another thread.
  func read(from offset: Int, limit: Int) async throws -> [UInt8]
}
