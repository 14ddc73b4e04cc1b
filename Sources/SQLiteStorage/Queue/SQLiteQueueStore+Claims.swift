import DeliveryQueue
import Logging
import MailModel
import Synchronization

/// From what the ledger grants to claims of messages.
extension SQLiteQueueStore {
  /// The claims that were granted; those of messages that cannot be understood are put off.
  func claims(of grants: [ClaimLedger.Grant], at now: Timestamp) async throws -> [Claim] {
    guard !grants.isEmpty else { return [] }
    let known = try await messages(of: grants, at: now)
    cache.withLock { cache in
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
    var missing: [Int64] = []
    cache.withLock { cache in
      // A message may be granted for several sites at once.
      var seen: Set<Int64> = []
      for sequence in grants.map(\.sequence) where seen.insert(sequence).inserted {
        known[sequence] = cache.take(sequence)
        if known[sequence] == nil { missing.append(sequence) }
      }
    }
    guard !missing.isEmpty else { return known }
    for (sequence, result) in try await read(missing, at: now) {
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
  private func read(_ missing: [Int64], at now: Timestamp) async throws -> [(Int64, Result<KnownMessage, QueueError>)] {
    // Under the ledger's lock: none of these is claimed or taken for an order before its reading is known of.
    let ahead = ledger.withLock { ledger in
      let next = ledger.next(MessageCache.messagesAhead, dueBy: now)
      return cache.withLock { $0.beginReading(next, with: missing) }
    }
    var kept: [KnownMessage] = []
    defer { cache.withLock { [kept] in $0.endReading(kept) } }
    let read = try await resources.reader.read { database in
      try (missing + ahead).map { sequence in
        try QueueReading.understood { try QueueReading.message(sequence, on: database) }
      }
    }
    // What cannot be understood is told when its turn has come.
    kept = read.dropFirst(missing.count).compactMap { try? $0.get() }
    // Another claim of it may follow.
    kept += read.prefix(missing.count).compactMap { try? $0.get() }.filter { !$0.isClaimedWhole }
    return Array(zip(missing, read))
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
