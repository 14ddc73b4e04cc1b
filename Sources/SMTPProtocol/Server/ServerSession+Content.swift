import MailModel

// The content behind DATA.
extension ServerSession.State {
  typealias Content = ServerSession.Content

  var isContent: Bool {
    switch self {
    case .content: true
    default: false
    }
  }

  mutating func receiveContent(_ input: Span<UInt8>, _ context: inout Context, _ now: MonotonicInstant) -> SessionStep {
    context.content.pace.goOn(at: now, hasOctets: !input.isEmpty)
    let event = context.content.reader.next(input, from: 0)
    if case .octets(let range, _) = event { context.content.count(range.count) }
    if let refusal = context.content.refusal(context.limits) {
      // The end may be in this very input: then there is nothing left to drop but the refusal to say.
      if case .end = event { context.content.hasEnded = true }
      self = .discardingContent(refusal: refusal)
      return SessionStep(consumed: event.position(in: input), action: .abandonMessage)
    }
    switch event {
    case .octets(let range, let next):
      context.content.pace.handOver(at: now)
      return SessionStep(consumed: next, action: .content(range))
    case .more:
      return SessionStep(consumed: input.count, action: .read)
    case .end(let next):
      self = .asking(.endOfMessage)
      return SessionStep(consumed: next, action: .ask(.endOfMessage))
    }
  }

  /// Reads content that is refused to its end, and says so there, so that the dialogue stays in step.
  static func discardContent(
    _ input: Span<UInt8>, _ offset: inout Int, _ refusal: SMTPReply, _ context: inout Context,
    _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) -> Transition {
    context.content.pace.goOn(at: now, hasOctets: offset < input.count)
    // All that came counts, and the refusal is by all that came: so both are the same however the octets were cut.
    while true {
      guard context.budgets.discardedOctets + context.content.octets <= context.limits.discardedContent else {
        offset = input.count
        (context.content.refusal(context.limits) ?? refusal).encode(into: &replies)
        return end(.tooMuchRefused, .none, &replies)
      }
      guard !context.content.hasEnded else { break }
      switch context.content.reader.next(input, from: offset) {
      case .octets(let range, let next):
        offset = next
        context.content.count(range.count)
      case .more:
        offset = input.count
        return Transition(.discardingContent(refusal: refusal), .read)
      case .end(let next):
        offset = next
        context.content.hasEnded = true
      }
    }
    context.waitingSince = now
    context.budgets.discardedOctets += context.content.octets
    return refuse(context.content.refusal(context.limits) ?? refusal, then: .none, &context, &replies)
  }
}

extension ServerSession.Content {
  fileprivate mutating func count(_ octets: Int) {
    self.octets += octets
    pace.count(octets)
  }

  /// Why the content cannot be accepted, as far as it has come.
  fileprivate func refusal(_ limits: Limits) -> SMTPReply? {
    if let defect = reader.defect { return .refusal(of: defect, limits) }
    return octets > limits.messageSize ? .tooLarge(limit: limits.messageSize) : nil
  }
}

extension SMTPReply {
  static func refusal(of defect: ContentReader.Defect, _ limits: Limits) -> SMTPReply {
    switch defect {
    case .bareCarriageReturn, .bareLineFeed: .lineEndsInMessage
    case .null: .nullInMessage
    case .longLine: .longLine(limit: limits.textLine)
    }
  }
}

extension ContentReader.Event {
  fileprivate func position(in input: Span<UInt8>) -> Int {
    switch self {
    case .octets(_, let next), .end(let next): next
    case .more: input.count
    }
  }
}
