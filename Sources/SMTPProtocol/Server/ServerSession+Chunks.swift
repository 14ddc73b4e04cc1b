import MailModel

// The content behind BDAT (RFC 3030 §2). The octets of a chunk follow its command whatever the server thinks of it: they are
// read and dropped before a refusal is said, or the connection ends.
extension ServerSession {
  /// What a BDAT says.
  struct Chunk {
    var octets: Int
    var isLast: Bool
  }

  /// A message that comes in chunks.
  struct Chunks {
    var reader: ChunkReader
    var pace: Pace
    /// The chunk that came last, or is coming.
    var chunk: Chunk
    /// Octets of it that have not come.
    var missing = 0
    /// Octets of all chunks up to that one.
    var octets = 0
    /// Chunks that were too small to be worth their command.
    var small = 0
  }

  /// What follows a BDAT that is refused.
  struct RefusedChunk {
    /// Octets of it that have not come.
    var missing: Int
    var pace: Pace
    var refusal: SMTPReply
    /// Whether a pipelining client could not know better.
    var isForgiven = false
  }
}

extension ServerSession.State {
  typealias Chunk = ServerSession.Chunk
  typealias Chunks = ServerSession.Chunks
  typealias RefusedChunk = ServerSession.RefusedChunk

  static func chunk(
    _ chunk: Chunk, _ stage: consuming Stage, _ context: inout Context, _ now: MonotonicInstant,
    _ replies: inout [UInt8]
  ) -> Transition {
    if let refusal = context.refusalOfChunking {
      return discard(RefusedChunk(chunk, refusal, at: now), stage, &context, &replies)
    }
    switch consume stage {
    case .none:
      let refused = RefusedChunk(chunk, .needsMail, isForgiven: context.isTransactionRefused, at: now)
      return discard(refused, .none, &context, &replies)
    case .envelope(let transaction):
      return firstChunk(chunk, transaction, &context, now, &replies)
    case .chunks(var chunks):
      guard chunk.octets <= context.limits.messageSize - chunks.octets else {
        let refused = RefusedChunk(chunk, .tooLarge(limit: context.limits.messageSize), at: now)
        return discard(refused, .chunks(chunks), &context, &replies)
      }
      chunks.begin(chunk, at: now, context.limits)
      guard chunks.small <= context.limits.smallChunks else {
        return end(.tooManySmallChunks, .chunks(chunks), &replies)
      }
      return Transition(.chunk(chunks))
    }
  }

  private static func firstChunk(
    _ chunk: Chunk, _ transaction: consuming Transaction, _ context: inout Context, _ now: MonotonicInstant,
    _ replies: inout [UInt8]
  ) -> Transition {
    guard !transaction.recipients.isEmpty else {
      let refused = RefusedChunk(chunk, .needsRecipient, isForgiven: transaction.hasRefusedRecipient, at: now)
      return discard(refused, .none, &context, &replies)
    }
    guard chunk.octets <= context.limits.messageSize else {
      let refused = RefusedChunk(chunk, .tooLarge(limit: context.limits.messageSize), at: now)
      return discard(refused, .none, &context, &replies)
    }
    guard !chunk.isSmall(context.limits) || context.limits.smallChunks > 0 else {
      return end(.tooManySmallChunks, .none, &replies)
    }
    return Transition(.asking(.chunkedMessage(chunk)), .ask(.message(context.request(transaction))))
  }

  /// The policy has decided on a message whose first BDAT was read.
  static func afterChunkedMessage(
    _ chunk: Chunk, refusal: SMTPReply?, _ context: inout Context, _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) -> Transition {
    guard let refusal else {
      var chunks = Chunks(reader: ChunkReader(lineLimit: context.limits.textLine), pace: Pace(begun: now), chunk: chunk)
      chunks.begin(chunk, at: now, context.limits)
      return Transition(.chunk(chunks))
    }
    guard refusal.code != 421 else { return end(refusal, .none, &replies) }
    return discard(RefusedChunk(chunk, refusal, at: now), .none, &context, &replies)
  }

  static func receiveChunk(
    _ input: Span<UInt8>, _ offset: inout Int, _ chunks: Chunks, _ context: inout Context, _ now: MonotonicInstant,
    _ replies: inout [UInt8]
  ) -> Transition {
    var chunks = chunks
    chunks.pace.goOn(at: now, hasOctets: offset < input.count)
    switch chunks.reader.next(input, from: offset) {
    case .octets(let range, let next):
      offset = next
      chunks.missing -= range.count
      chunks.pace.count(range.count)
      if let defect = chunks.reader.defect { return refuse(chunks, for: defect, &context, &replies) }
      chunks.pace.handOver(at: now)
      return Transition(.chunk(chunks), .content(range))
    case .more:
      offset = input.count
      return Transition(.chunk(chunks), .read)
    case .end(let next):
      offset = next
      context.waitingSince = now
      guard chunks.chunk.isLast else {
        SMTPReply.encodeReceived(octets: chunks.chunk.octets, into: &replies)
        return Transition(.command(.chunks(chunks)))
      }
      chunks.reader.finish()
      if let defect = chunks.reader.defect { return refuse(chunks, for: defect, &context, &replies) }
      return Transition(.asking(.endOfMessage), .ask(.endOfMessage))
    }
  }

  /// The BDAT in whose octets a defect is seen is refused, and the message with it.
  private static func refuse(
    _ chunks: Chunks, for defect: ChunkReader.Defect, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    let refusal = SMTPReply.refusal(of: defect, context.limits)
    let refused = RefusedChunk(missing: chunks.missing, pace: chunks.pace, refusal: refusal)
    return discard(refused, .chunks(chunks), &context, &replies)
  }

  /// A refused BDAT ends the transaction. What was pipelined behind it gets 503, and is not held against the client.
  private static func discard(
    _ chunk: RefusedChunk, _ stage: consuming Stage, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    context.isTransactionRefused = true
    guard chunk.missing <= context.limits.discardedContent - context.budgets.discardedOctets else {
      chunk.refusal.encode(into: &replies)
      return end(.tooMuchRefused, stage, &replies)
    }
    context.budgets.discardedOctets += chunk.missing
    return Transition(.discardingChunk(chunk), stage.abandonment)
  }

  static func discardChunk(
    _ input: Span<UInt8>, _ offset: inout Int, _ chunk: RefusedChunk, _ context: inout Context,
    _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) -> Transition {
    var chunk = chunk
    chunk.pace.goOn(at: now, hasOctets: offset < input.count)
    let dropped = min(chunk.missing, input.count - offset)
    offset += dropped
    chunk.missing -= dropped
    chunk.pace.count(dropped)
    guard chunk.missing == 0 else { return Transition(.discardingChunk(chunk), .read) }
    context.waitingSince = now
    return chunk.isForgiven
      ? forgive(chunk.refusal, .none, &context, &replies)
      : refuse(chunk.refusal, then: .none, &context, &replies)
  }
}

extension ServerSession.Chunk {
  func isSmall(_ limits: Limits) -> Bool { !isLast && octets < limits.smallChunk }
}

extension ServerSession.Chunks {
  fileprivate mutating func begin(_ chunk: ServerSession.Chunk, at now: MonotonicInstant, _ limits: Limits) {
    self.chunk = chunk
    missing = chunk.octets
    octets += chunk.octets
    if chunk.isSmall(limits) { small += 1 }
    reader.begin(octets: chunk.octets)
    pace.goOn(at: now, hasOctets: true)
  }
}

extension ServerSession.RefusedChunk {
  fileprivate init(
    _ chunk: ServerSession.Chunk, _ refusal: SMTPReply, isForgiven: Bool = false, at now: MonotonicInstant
  ) {
    self.init(missing: chunk.octets, pace: Pace(begun: now), refusal: refusal, isForgiven: isForgiven)
  }
}

extension ServerSession.Context {
  /// Why no BDAT is taken, whatever it says. HELO offers no extension (RFC 5321 §4.1.1.1).
  fileprivate var refusalOfChunking: SMTPReply? {
    guard isSecured else { return .needsTLS }
    guard configuration.offersChunking else { return .noChunking }
    return hello?.isExtended == true ? nil : .chunkingNeedsHello
  }
}
