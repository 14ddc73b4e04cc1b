import MailModel

/// The content, and the replies to it.
extension ClientSession.State {
  mutating func writeContent(
    _ piece: Span<UInt8>, _ context: inout ClientSession.Context, _ output: inout [UInt8]
  ) -> ClientAction {
    switch consume self {
    case .content(let transaction, var content):
      // Nobody is left where a chunk was refused: the rest is not sent.
      let isSendable = !transaction.isOpen || content.append(piece, to: &output)
      context.wait(context.limits.dataBlockTimeout)
      self = .content(transaction, content)
      return isSendable ? .read : fail(.unsendableContent, &context)
    case .closed:
      self = .closed
      return .close
    case let other:
      self = other
      assertionFailure("content comes when it is asked for")
      return .read
    }
  }

  mutating func finishContent(_ context: inout ClientSession.Context, _ output: inout [UInt8]) -> ClientAction {
    switch consume self {
    case .content(let transaction, var content):
      guard !transaction.isOpen || content.finish(into: &output) else {
        self = .content(transaction, content)
        return fail(.unsendableContent, &context)
      }
      guard content.unanswered > 0 else {
        self = .idle(needsReset: true)
        return context.act(.finished(transaction.known))
      }
      context.wait(context.limits.endOfContentTimeout)
      self = .endOfContent(transaction, replies: content.unanswered)
      return .read
    case .closed:
      self = .closed
      return .close
    case let other:
      self = other
      assertionFailure("content ends when it has begun")
      return .read
    }
  }

  /// A reply while the content is on its way, or to its end.
  mutating func takeContent(_ reply: SMTPReply, _ context: inout ClientSession.Context) -> ClientAction {
    let isRefusal = reply.code >= 400
    switch consume self {
    case .content(var transaction, .chunks(var writer))
    where writer.unanswered > 0 && (reply.isPositive || isRefusal) && !context.isReplyEarly:
      writer.unanswered -= 1
      if isRefusal { transaction.refuse(reply, at: .content) }
      context.wait(context.limits.dataBlockTimeout)
      self = .content(transaction, .chunks(writer))
      return .read
    case .endOfContent(var transaction, let replies) where replies > 1 && (reply.isPositive || isRefusal):
      if isRefusal { transaction.refuse(reply, at: .content) }
      self = .endOfContent(transaction, replies: replies - 1)
      return .read
    case .endOfContent(let transaction, _) where reply.isPositive:
      self = .idle(needsReset: !transaction.isOpen)
      return context.act(.finished(transaction.outcomes(otherwise: .accepted(reply))))
    case .endOfContent(var transaction, _) where isRefusal:
      transaction.refuse(reply, at: .endOfContent)
      // After BDAT the envelope may still stand (RFC 3030 §2).
      self = .idle(needsReset: context.usesChunking)
      return context.act(.finished(transaction.known))
    case let other:
      // After DATA any reply is too early, and a refusal yet plain: the server takes no more of this. There is no way back
      // but to hang up.
      self = other
      return fail(isRefusal ? .refused(reply) : .unexpected(reply), &context)
    }
  }
}

extension ClientSession.Content {
  fileprivate mutating func append(_ piece: Span<UInt8>, to output: inout [UInt8]) -> Bool {
    switch self {
    case .lines(var stuffer):
      let isSendable = stuffer.append(piece, to: &output)
      self = .lines(stuffer)
      return isSendable
    case .chunks(var writer):
      let isSendable = writer.append(piece, to: &output)
      self = .chunks(writer)
      return isSendable
    }
  }

  fileprivate mutating func finish(into output: inout [UInt8]) -> Bool {
    switch self {
    case .lines(var stuffer):
      return stuffer.finish(into: &output)
    case .chunks(var writer):
      let isSendable = writer.finish(into: &output)
      self = .chunks(writer)
      return isSendable
    }
  }

  /// Replies that are still to come once the content is finished.
  fileprivate var unanswered: Int {
    switch self {
    case .lines: 1
    case .chunks(let writer): writer.unanswered
    }
  }
}
