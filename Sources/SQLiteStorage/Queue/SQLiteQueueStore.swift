public import DeliveryQueue
import GRDB
import Logging
public import MailModel
import Synchronization

/// A queue in a ``StorageFolder``: durable, of one process.
///
/// Due times and claims live in memory. A restart frees every claim.
public final class SQLiteQueueStore: QueueStore {
  /// How often history is looked at.
  private static let historyInterval = Duration.seconds(3600)

  /// What the folder says when it is opened.
  struct State: Sendable {
    var ledger: ClaimLedger
    var greatestSequence: Int64
    var configuration: StorageConfiguration

    /// Reads it, and sweeps the spool. Blocks.
    init(of resources: FolderResources, configuration: StorageConfiguration) throws {
      let path = resources.path + "/" + FolderResources.databaseName
      let connection = try Connections.reader(path: path, label: "submission.start")
      defer { try? connection.close() }
      self.configuration = configuration
      (ledger, greatestSequence) = try connection.read { database in
        try resources.spool.sweep { try QueueReading.mayName($0, on: database) }
        let greatest = try Int64.fetchOne(database, sql: "SELECT max(sequence) FROM message") ?? 0
        return (try ClaimLedger(limits: configuration.queueLimits, from: database), greatest)
      }
    }
  }

  let resources: FolderResources
  let ledger: Mutex<ClaimLedger>
  let cache: Mutex<MessageCache>
  /// Claims are made one at a time, so that what one reads ahead no other reads.
  private let claimTurn = Turnstile()
  /// Orders are carried out one at a time.
  let orderTurn = Turnstile()
  /// What a claim that failed has learnt of sites, for the next one to tell.
  private let untoldChanges = Mutex<[SiteChange]>([])
  /// Messages whose places in the ledger were corrected, each once: what is wrong in the folder stays so until it is settled.
  let corrected = Mutex<Set<Int64>>([])
  private let nextForgetting = Mutex<Timestamp?>(nil)
  private let retention: Duration
  private let commitDelay: Duration
  private let settlementDelay: Duration
  let logger: Logger

  /// The greatest ``QueueID/sequence`` in the store when it was opened, for a `QueueIDGenerator` to go on from.
  public let greatestSequence: Int64

  init(resources: FolderResources, state: State, retention: Duration, logger: Logger) {
    (self.resources, self.retention, self.logger) = (resources, retention, logger)
    greatestSequence = state.greatestSequence
    let configuration = state.configuration
    (commitDelay, settlementDelay) = (configuration.commitDelay, configuration.settlementDelay)
    cache = Mutex(MessageCache(limit: configuration.cacheLimit))
    ledger = Mutex(state.ledger)
  }

  /// Transactions committed since the folder was opened, of tenants too.
  public var commits: Int { resources.writer.commits }

  /// A spool file.
  public func makeBody(for id: QueueID) async throws -> any MessageBodyWriter {
    try await resources.spool.makeWriter(for: id)
  }

  /// Queues a message in the next commit. A spooled body must have been written for this message's queue ID.
  public func enqueue(_ message: NewMessage) async throws {
    try await validate(message)
    let size = message.size
    try resources.space.check(octets: size)
    try ledger.withLock { ledger throws(QueueError) in try ledger.reserve(size: size) }
    do {
      let digest = ContentDigest.of(message, spool: resources.spool)
      try await write([message], delay: commitDelay) { try QueueWriting.insert(message, digest: digest, with: $0) }
    } catch {
      ledger.withLock { $0.release(size: size) }
      throw error
    }
    // Before the ledger has it: nobody claims it, and no order changes it, until then.
    if let known = KnownMessage(message) { cache.withLock { $0.insertFresh(known) } }
    ledger.withLock { $0.insertReserved(ClaimLedger.Entry(message)) }
  }

  /// Claims what is due. Reads the database for what it gives and what comes next alone, as far as that is not known.
  public func claim(_ request: ClaimRequest) async throws -> ClaimBatch {
    forgetHistory(at: request.now)
    await claimTurn.enter()
    defer { claimTurn.leave() }
    var granted: [Claim.Token] = []
    var changes = untoldChanges.withLock { untold in
      defer { untold = [] }
      return untold
    }
    do {
      var batch = try await claimInRounds(request) { claimed in
        granted += claimed.grants.map(\.token)
        changes += claimed.siteChanges
      }
      batch.siteChanges = changes
      return batch
    } catch {
      ledger.withLock { [granted] ledger in granted.forEach { ledger.giveBack($0) } }
      untoldChanges.withLock { $0 = changes }
      throw error
    }
  }

  /// Holds claims longer; in memory alone.
  public func extend(_ tokens: [Claim.Token], until leasedUntil: Timestamp) async throws -> [Claim.Token] {
    ledger.withLock { $0.extend(tokens, until: leasedUntil) }
  }

  /// Ends a claim in the next commit.
  public func settle(_ settlement: Settlement) async throws {
    for message in settlement.newMessages { try await validate(message) }
    let (token, sequence) = (settlement.token, settlement.id.sequence)
    let grant = try ledger.withLock { ledger throws(QueueError) in try ledger.beginSettlement(token, of: sequence) }
    let known = cache.withLock { $0.claimed(sequence) }.flatMap { $0.isWhole(under: grant) ? $0 : nil }
    do {
      let digests = settlement.newMessages.map { ContentDigest.of($0, spool: resources.spool) }
      let settled = try await write(settlement.newMessages, delay: settlementDelay) {
        try QueueWriting.settle(settlement, of: grant, digests: digests, known: known, with: $0)
      }
      forget(sequence)
      ledger.withLock { ledger in
        let left = settled.left.filter { grant.covers($0.destination) }
        ledger.endSettlement(token, left: left, isFinished: settled.isFinished)
        for message in settlement.newMessages { ledger.insert(ClaimLedger.Entry(message)) }
      }
      removeBody(settled.spool, of: sequence)
    } catch {
      ledger.withLock { $0.abandonSettlement(token) }
      throw error
    }
  }

  /// The content of a message that has recipients left: as it is for a body in the database, to be read from the disk
  /// for one in the spool.
  public func content(of id: QueueID) async throws -> any MessageContent {
    guard let stored = try await storedContent(of: id) else {
      throw QueueError(.noSuchMessage, "no message of that name has content")
    }
    if let body = stored.body {
      try ContentDigest.check(prefix: stored.prefix, body: body, digest: stored.digest)
      return InMemoryContent(prefix: stored.prefix, body: body)
    }
    guard let spooled = stored.spool, spooled.name == id.description else {
      throw QueueError(.damaged, "a message without a body of its own")
    }
    return SpooledContent(
      prefix: stored.prefix, body: try await resources.spool.open(spooled), digest: stored.digest)
  }

  /// Removes the spool file that a message named, if it bears the message's name: what stands in a damaged database may be the
  /// name of anything.
  func removeBody(_ name: String?, of sequence: Int64) {
    guard let name, let id = QueueID(name), id.sequence == sequence else { return }
    resources.spool.remove(id.description)
  }

  private func validate(_ message: NewMessage) async throws {
    try message.validate()
    guard case .spooled(let body) = message.body else { return }
    guard body.name == message.id.description, await resources.spool.holds(body) else {
      throw QueueError(.invalidMessage, "a body that was not written for this message")
    }
  }

  /// Makes a change that queues messages. Their bodies cannot be discarded meanwhile, nor when they may be queued.
  private func write<Value: Sendable>(
    _ messages: [NewMessage], delay: Duration, _ change: @escaping @Sendable (QueueStatements) throws -> Value
  ) async throws -> Value {
    let octets = messages.reduce(0) { $0 + $1.storedOctets }
    let names = messages.compactMap(\.body.spooledName)
    try resources.spool.hold(names)
    do {
      let value = try await resources.writer.perform(octets: octets, delay: delay, change)
      resources.spool.release(names, mayBeNamed: true)
      return value
    } catch {
      resources.spool.release(names, mayBeNamed: (error as? QueueError)?.code == .unknownOutcome)
      throw error
    }
  }

  /// Tells of a message that cannot be read: by its name, or by its key where the name cannot be read either.
  func log(_ line: Logger.Message, of sequence: Int64, _ error: QueueError) async {
    let found = try? await resources.reader.read { try QueueListing.id(of: sequence, on: $0) }
    let name: Logger.Metadata = if let id = found ?? nil { ["queue-id": "\(id)"] } else { ["sequence": "\(sequence)"] }
    logger.error(line, metadata: name.merging(["error": AddressDisplay.masked.logged(error)]) { $1 })
  }

  private func storedContent(of id: QueueID) async throws -> StoredContent? {
    if let known = cache.withLock({ $0.claimed(id.sequence) }), known.head.id == id, let content = known.content {
      return content
    }
    return try await resources.reader.read { try QueueReading.content(of: id, on: $0) }
  }

  /// To be called when something of a message that the ledger has was changed in the database, before it can be claimed
  /// again.
  package func forget(_ sequence: Int64) { cache.withLock { $0.forget(sequence) } }
}

// MARK: - History

extension SQLiteQueueStore {
  /// Begins to forget finished messages that are older than the retention, once an hour.
  func forgetHistory(at now: Timestamp) {
    let isTime = nextForgetting.withLock { next in
      if let next, now < next { return false }
      next = now + Self.historyInterval
      return true
    }
    guard isTime else { return }
    Task {
      do {
        try await forget(finishedBefore: now + (.zero - retention))
      } catch {
        logger.warning("Old history could not be forgotten", metadata: ["error": AddressDisplay.masked.logged(error)])
      }
    }
  }

  /// Forgets in small steps, so that nothing waits long for the writer.
  package func forget(finishedBefore instant: Timestamp) async throws {
    var last: Int64? = -1
    while let behind = last {
      last = try await resources.writer.perform {
        try QueueWriting.forget(finishedBefore: instant, behind: behind, on: $0)
      }
    }
  }
}
