import DeliveryQueue
import Logging
import MailModel
import Synchronization

/// From what the ledger grants to claims of messages.
extension SQLiteQueueStore {
  /// Rounds of one claim. Whoever claims is told to come again at once where they do not suffice.
  private static let rounds = 64

  /// Claims until nothing of what was granted had to be given back: otherwise messages that cannot be read would take the
  /// places of those behind them, and the ledger's word on what comes next would be from before.
  func claimInRounds(
    _ request: ClaimRequest, granted: (ClaimLedger.Claimed) -> Void
  ) async throws -> ClaimBatch {
    var (request, batch) = (request, ClaimBatch(claims: [], nextDue: nil))
    for _ in 0..<Self.rounds {
      let claimed = ledger.withLock { [request] in $0.claim(request) }
      granted(claimed)
      let claims = try await claims(of: claimed.grants, at: request.now)
      batch = ClaimBatch(claimed, claims: batch.claims + claims)
      if claims.count == claimed.grants.count { return batch }
      (request.limit, request.ended) = (request.limit - claims.count, [])
    }
    batch.nextDue = request.now
    return batch
  }

  /// The claims that were granted. What cannot be understood is put off, and what the ledger did not know is corrected there:
  /// of those there is none.
  private func claims(of grants: [ClaimLedger.Grant], at now: Timestamp) async throws -> [Claim] {
    guard !grants.isEmpty else { return [] }
    var known = try await messages(of: grants, at: now)
    for sequence in await correctPlaces(of: known, grants) { known[sequence] = nil }
    cache.withLock { [known] cache in
      for message in known.values { cache.insertClaimed(message) }
    }
    return grants.compactMap { grant in
      guard let message = known[grant.sequence] else { return nil }
      let claim = message.claim(grant, at: now)
      if claim.recipients.isEmpty { giveBack(grant, of: message) }
      return claim.recipients.isEmpty ? nil : claim
    }
  }

  /// The messages, by their keys. Reads those that are not known, and ahead what is due next.
  private func messages(
    of grants: [ClaimLedger.Grant], at now: Timestamp
  ) async throws -> [Int64: KnownMessage] {
    var known: [Int64: KnownMessage] = [:]
    var missing: [ClaimLedger.Grant] = []
    cache.withLock { cache in
      // A message may be granted for several sites at once.
      var seen: Set<Int64> = []
      for grant in grants where seen.insert(grant.sequence).inserted {
        known[grant.sequence] = cache.take(grant)
        if known[grant.sequence] == nil { missing.append(grant) }
      }
    }
    guard !missing.isEmpty else { return known }
    let attempted = Set(grants.lazy.filter { $0.suspension == nil }.map(\.sequence))
    for (sequence, result) in try await read(missing, attempted: attempted, at: now) {
      switch result {
      case .success(let message): known[sequence] = message
      case .failure(let error):
        let tokens = grants.filter { $0.sequence == sequence }.map(\.token)
        await putOff(sequence, tokens, because: error, at: now)
      }
    }
    return known
  }

  /// Reads messages, and others ahead that are due next.
  ///
  /// - Parameter attempted: those that are to be attempted, for which content is needed.
  private func read(
    _ missing: [ClaimLedger.Grant], attempted: Set<Int64>, at now: Timestamp
  ) async throws -> [(Int64, Result<KnownMessage, QueueError>)] {
    let sequences = missing.map(\.sequence)
    // Under the ledger's lock: none of these is claimed or taken for an order before its reading is known of.
    let ahead = ledger.withLock { ledger in
      let next = ledger.next(MessageCache.messagesAhead, dueBy: now)
      return cache.withLock { $0.beginReading(next, with: sequences) }
    }
    var kept: [KnownMessage] = []
    defer { cache.withLock { [kept] in $0.endReading(kept) } }
    let needed = attempted.union(ahead)
    let read = try await resources.reader.read { database in
      try (sequences + ahead).map { sequence in
        try QueueReading.understood {
          try QueueReading.message(sequence, withBody: needed.contains(sequence), on: database)
        }
      }
    }
    // What cannot be understood is told when its turn has come.
    kept = read.dropFirst(missing.count).compactMap { try? $0.get() }
    for (grant, result) in zip(missing, read) {
      // Another claim of it may follow.
      if case .success(let message) = result, !message.isWhole(under: grant) { kept.append(message) }
    }
    return Array(zip(sequences, read))
  }
}

// MARK: - What is not claimed after all

extension SQLiteQueueStore {
  /// Where the folder's figures are wrong about where a message's recipients are, the ledger has been wrong since the start. It
  /// learns what the recipients say, and grants the message anew.
  ///
  /// - Returns: the messages of which that is so.
  private func correctPlaces(
    of known: [Int64: KnownMessage], _ grants: [ClaimLedger.Grant]
  ) async -> [Int64] {
    let wrong = corrected.withLock { corrected in
      known.filter { $0.value.isMisplaced && corrected.insert($0.key).inserted }
    }
    guard !wrong.isEmpty else { return [] }
    ledger.withLock { ledger in
      for grant in grants where wrong[grant.sequence] != nil { ledger.giveBack(grant.token) }
      for entry in ledger.take(Set(wrong.keys)).taken {
        let parts = wrong[entry.sequence]?.standings.parts ?? entry.parts
        ledger.putBack(entry, parts: parts.isEmpty ? nil : parts)
      }
    }
    let error = QueueError(.damaged, "the table pending has another destination than the recipients")
    for sequence in wrong.keys.sorted() {
      await log(
        "The queue was wrong about where a message's recipients are; they are attempted all the same", of: sequence,
        error)
    }
    return Array(wrong.keys)
  }

  /// What was granted is not due, whatever the queue knew: it waits until it is.
  private func giveBack(_ grant: ClaimLedger.Grant, of message: KnownMessage) {
    let left = message.standings.parts.filter { grant.covers($0.destination) }
    ledger.withLock { $0.giveBack(grant.token, due: left.map(\.due).min() ?? .never) }
  }

  /// What cannot be understood does not hold up what can be.
  private func putOff(
    _ sequence: Int64, _ tokens: [Claim.Token], because error: QueueError, at now: Timestamp
  ) async {
    ledger.withLock { ledger in tokens.forEach { ledger.giveBack($0, due: now + .seconds(3600)) } }
    await log("A queued message cannot be read; it is put off for an hour", of: sequence, error)
  }
}
