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
    var reader = ChunkReader(lineLimit: 0)
    var pace = Pace(begun: MonotonicInstant(nanoseconds: 0))
    /// The chunk that came last, or is coming.
    var chunk = Chunk(octets: 0, isLast: false)
    /// Octets of it that have not come.
    var missing = 0
    /// Octets of all chunks up to that one.
    var octets = 0
    /// How many these are.
    var count = 0
  }

  /// What follows a BDAT that is refused, whose octets ``Context/chunks`` counts.
  struct RefusedChunk {
    var refusal: SMTPReply
    /// Whether that may be no fault of the client's: the message is refused, or it was before a pipelining client could know.
    var isForgiven = false
  }
}

extension ServerSession.State {
  typealias Chunk = ServerSession.Chunk
  typealias Chunks = ServerSession.Chunks
  typealias RefusedChunk = ServerSession.RefusedChunk

  static func chunk(
    _ chunk: Chunk, _ stage: Stage, _ context: inout Context, _ now: MonotonicInstant,
    _ replies: inout [UInt8]
  ) -> Transition {
    if let refusal = context.refusalOfChunking {
      return discard(chunk, RefusedChunk(refusal), stage, &context, now, &replies)
    }
    switch stage {
    case .none:
      let refused = RefusedChunk(.needsMail, isForgiven: context.isTransactionRefused)
      return discard(chunk, refused, .none, &context, now, &replies)
    case .envelope: return firstChunk(chunk, &context, now, &replies)
    case .chunks:
      guard chunk.octets <= context.limits.messageSize - context.chunks.octets else {
        let refused = RefusedChunk(.tooLarge(limit: context.limits.messageSize), isForgiven: true)
        return discard(chunk, refused, .chunks, &context, now, &replies)
      }
      context.chunks.begin(chunk, at: now)
      guard chunk.isLast || context.limits.take(chunks: context.chunks.count, octets: context.chunks.octets) else {
        return end(.tooManySmallChunks, .chunks, &replies)
      }
      return Transition(.chunk)
    }
  }

  private static func firstChunk(
    _ chunk: Chunk, _ context: inout Context, _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) -> Transition {
    guard !context.transaction.recipients.isEmpty else {
      let refused = RefusedChunk(.needsRecipient, isForgiven: context.transaction.hasRefusedRecipient)
      return discard(chunk, refused, .envelope, &context, now, &replies)
    }
    guard chunk.octets <= context.limits.messageSize else {
      let refused = RefusedChunk(.tooLarge(limit: context.limits.messageSize), isForgiven: true)
      return discard(chunk, refused, .envelope, &context, now, &replies)
    }
    guard chunk.isLast || context.limits.take(chunks: 1, octets: chunk.octets) else {
      return end(.tooManySmallChunks, .envelope, &replies)
    }
    return ask(.message(context.takeRequest()), .chunkedMessage(chunk), &context)
  }

  /// The policy has decided on a message whose first BDAT was read.
  static func afterChunkedMessage(
    _ chunk: Chunk, refusal: SMTPReply?, _ context: inout Context, _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) -> Transition {
    guard let refusal else {
      context.chunks = Chunks(reader: ChunkReader(lineLimit: context.limits.textLine), pace: Pace(begun: now))
      context.chunks.begin(chunk, at: now)
      return Transition(.chunk)
    }
    guard refusal.code != 421 else { return end(refusal, .envelope, &replies) }
    return discard(chunk, RefusedChunk(refusal, isForgiven: true), .envelope, &context, now, &replies)
  }

  static func receiveChunk(
    _ input: Span<UInt8>, _ offset: inout Int, _ context: inout Context, _ now: MonotonicInstant,
    _ replies: inout [UInt8]
  ) -> Transition {
    context.chunks.pace.goOn(at: now, hasOctets: offset < input.count)
    switch context.chunks.reader.next(input, from: offset) {
    case .octets(let range, let next):
      offset = next
      context.chunks.missing -= range.count
      context.chunks.pace.count(range.count)
      if let defect = context.chunks.reader.defect { return refuseChunk(for: defect, &context, &replies) }
      context.chunks.pace.handOver(at: now)
      return Transition(.chunk, .content(range))
    case .more:
      offset = input.count
      return Transition(.chunk, .read)
    case .end(let next):
      offset = next
      context.waitingSince = now
      guard context.chunks.chunk.isLast else {
        SMTPReply.encodeReceived(octets: context.chunks.chunk.octets, into: &replies)
        return Transition(.command(.chunks))
      }
      context.chunks.reader.finish()
      if let defect = context.chunks.reader.defect { return refuseChunk(for: defect, &context, &replies) }
      return ask(.endOfMessage, .endOfMessage, &context)
    }
  }

  /// The BDAT in whose octets a defect is seen is refused, and the message with it.
  private static func refuseChunk(
    for defect: ChunkReader.Defect, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    let refused = RefusedChunk(.refusal(of: defect, context.limits), isForgiven: true)
    return discardMissing(of: context.chunks.chunk.octets, refused, .chunks, &context, &replies)
  }

  /// A refused BDAT ends the transaction. What was pipelined behind it gets 503, and is not held against the client.
  private static func discard(
    _ chunk: Chunk, _ refused: RefusedChunk, _ stage: Stage, _ context: inout Context, _ now: MonotonicInstant,
    _ replies: inout [UInt8]
  ) -> Transition {
    context.chunks = Chunks(pace: Pace(begun: now), missing: chunk.octets)
    return discardMissing(of: chunk.octets, refused, stage, &context, &replies)
  }

  /// - Parameter octets: of the whole chunk, all of which count, however far the session has read into it.
  private static func discardMissing(
    of octets: Int, _ chunk: RefusedChunk, _ stage: Stage, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    if !stage.isNone { context.isTransactionRefused = true }
    context.transaction = Transaction()
    guard octets <= context.discardedChunkLimit - context.budgets.discardedOctets else {
      chunk.refusal.encode(into: &replies)
      return end(.tooMuchRefused, stage, &replies)
    }
    context.budgets.discardedOctets += octets
    return Transition(.discardingChunk(chunk), stage.abandonment)
  }

  static func discardChunk(
    _ input: Span<UInt8>, _ offset: inout Int, _ chunk: RefusedChunk, _ context: inout Context,
    _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) -> Transition {
    context.chunks.pace.goOn(at: now, hasOctets: offset < input.count)
    let dropped = min(context.chunks.missing, input.count - offset)
    offset += dropped
    context.chunks.missing -= dropped
    context.chunks.pace.count(dropped)
    guard context.chunks.missing == 0 else { return Transition(.discardingChunk(chunk), .read) }
    context.waitingSince = now
    return chunk.isForgiven
      ? refuse(chunk.refusal, then: .none, &context, &replies)
      : fail(chunk.refusal, .none, &context, &replies)
  }
}

extension ServerSession.Chunks {
  fileprivate mutating func begin(_ chunk: ServerSession.Chunk, at now: MonotonicInstant) {
    self.chunk = chunk
    missing = chunk.octets
    octets += chunk.octets
    count += 1
    reader.begin(octets: chunk.octets)
    pace.goOn(at: now, hasOctets: true)
  }
}

extension ServerSession.RefusedChunk {
  fileprivate init(_ refusal: SMTPReply, isForgiven: Bool = false) {
    self.init(refusal: refusal, isForgiven: isForgiven)
  }
}

extension Limits {
  /// Whether a message of so many chunks, none of them its last, has brought enough for them.
  fileprivate func take(chunks: Int, octets: Int) -> Bool {
    octets / max(1, smallChunk) >= chunks - max(0, smallChunks)
  }
}

extension ServerSession.Context {
  /// Whether a BDAT could be taken at all.
  var mayChunk: Bool { isAuthorized && refusalOfChunking == nil }

  /// Octets of refused content that are dropped, where BDAT follows BDAT. Where none could be taken, nobody is misled into
  /// sending many, and a stranger gets no more than any other line that makes no sense.
  fileprivate var discardedChunkLimit: Int {
    mayChunk ? limits.discardedContent : min(limits.discardedLine, limits.discardedContent)
  }

  /// Why no BDAT is taken, whatever it says. HELO offers no extension (RFC 5321 §4.1.1.1).
  fileprivate var refusalOfChunking: SMTPReply? {
    guard isSecured else { return .needsTLS }
    guard configuration.offersChunking else { return .noChunking }
    return hello?.isExtended == true ? nil : .chunkingNeedsHello
  }
}
