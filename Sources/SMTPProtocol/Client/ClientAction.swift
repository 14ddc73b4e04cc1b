/// What whoever drives a ``ClientSession`` does next. Before each, write what output has gathered.
@nonexhaustive public enum ClientAction: Hashable, Sendable {
  /// Read on: show the rest of the input again with more behind it.
  case read
  /// Begin TLS as its client, then tell ``ClientSession/tlsStarted(at:output:)``.
  case startTLS
  /// The server is ready: ``ClientSession/begin(_:at:output:)`` or ``ClientSession/quit(at:output:)``.
  case ready
  /// Give the content: ``ClientSession/writeContent(_:at:output:)``, then ``ClientSession/finishContent(at:output:)``.
  /// Read on meanwhile: what comes may end the session.
  case sendContent
  /// The transaction is over, with an outcome for each recipient in the order of its envelope; go on as after ``ready``.
  case finished([ClientOutcome])
  /// The session is over: end the connection. There is an outcome for each recipient of the transaction under way, and
  /// none where there was no transaction.
  case failed(ClientFailure, [ClientOutcome])
  /// The session is over, and all was said before: end the connection.
  case close
}

/// What ``ClientSession/receive(_:at:output:)`` gives.
public struct ClientStep: Hashable, Sendable {
  /// Octets at the front of the input that need not be shown again.
  public var consumed: Int
  /// What to do next.
  public var action: ClientAction

  /// A step of these parts.
  public init(consumed: Int, action: ClientAction) { (self.consumed, self.action) = (consumed, action) }
}
