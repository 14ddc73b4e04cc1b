public import MailModel

/// Takes one message's content, chunk by chunk. Exactly one of ``finish()`` and ``abort()`` is called at the end, and
/// nothing after it.
public protocol MessageSink: Sendable {
  /// The next octets of the content: without dot-stuffing, with CRLF line ends alone. The last line lacks its CRLF where
  /// BDAT brought it so.
  ///
  /// Never blocks, since it runs on the connection's event loop. The octets are taken in any case.
  ///
  /// - Returns: `false` where the sink is full: nothing more is written until ``drained()`` returns, and the connection
  ///   reads no further.
  func write(_ octets: Span<UInt8>) -> Bool

  /// Returns when there is room again.
  func drained() async

  /// The content is complete. A positive reply is a promise: the message is safe, and its fate will be told.
  ///
  /// - Returns: 250 with the queue ID, or a 4xx or 5xx; then nothing of the message is kept.
  func finish() async -> SMTPReply

  /// The message will not be: the client went away, or what it sent cannot be accepted. Keep nothing. Answers at once.
  func abort()
}
