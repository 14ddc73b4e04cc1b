import MailModel

// The content behind DATA.
extension ServerSession.State {
  typealias Content = ServerSession.Content

  static func receiveContent(
    _ input: Span<UInt8>, _ offset: inout Int, _ content: Content, _ context: inout Context, _ now: MonotonicInstant
  ) -> ServerSession.Transition {
    var content = content
    content.goOn(at: now, hasOctets: offset < input.count)
    let event = content.reader.next(input, from: offset)
    if case .octets(let range, _) = event { content.octets += range.count }
    if let refusal = content.refusal(context.limits) {
      offset = event.position(in: input)
      // The end may be in this very input: then there is nothing left to drop but the refusal to say.
      return Transition(.discardingContent(content.ended(by: event), refusal: refusal), .abandonMessage)
    }
    switch event {
    case .octets(let range, let next):
      offset = next
      content.handedOver = now
      return Transition(.content(content), .content(range))
    case .more:
      offset = input.count
      return Transition(.content(content), .read)
    case .end(let next):
      offset = next
      return Transition(.asking(.endOfMessage), .ask(.endOfMessage))
    }
  }

  /// Reads content that is refused to its end, and says so there, so that the dialogue stays in step.
  static func discardContent(
    _ input: Span<UInt8>, _ offset: inout Int, _ content: Content, _ refusal: SMTPReply, _ context: inout Context,
    _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) -> ServerSession.Transition {
    var content = content
    while !content.hasEnded {
      if offset < input.count { content.lastOctets = now }
      let event = content.reader.next(input, from: offset)
      offset = event.position(in: input)
      if case .octets(let range, _) = event { content.octets += range.count }
      if case .more = event {
        return Transition(.discardingContent(content, refusal: refusal), .read)
      }
      content = content.ended(by: event)
    }
    context.waitingSince = now
    return Transition(refuse(refusal, then: nil, &context, &replies))
  }
}

extension ServerSession.Content {
  /// While the sink took its time, the client could not send; that counts for nothing.
  fileprivate mutating func goOn(at now: MonotonicInstant, hasOctets: Bool) {
    if let handedOver {
      begun = begun.advanced(by: handedOver.duration(to: now))
      lastOctets = now
    }
    handedOver = nil
    if hasOctets { lastOctets = now }
  }

  /// Why the content cannot be accepted, as far as it has come.
  fileprivate func refusal(_ limits: Limits) -> SMTPReply? {
    switch reader.defect {
    case .bareCarriageReturn, .bareLineFeed: return .lineEndsInMessage
    case .null: return .nullInMessage
    case .longLine: return .longLine(limit: limits.textLine)
    case nil: return octets > limits.messageSize ? .tooLarge(limit: limits.messageSize) : nil
    }
  }

  fileprivate func ended(by event: ContentReader.Event) -> ServerSession.Content {
    guard case .end = event else { return self }
    var content = self
    content.hasEnded = true
    return content
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
