package import Logging
package import MailModel

/// What varies in a line of a log, made fit to stand there.
extension AddressDisplay {
  /// Recipients that one line names at most, so that it stays within a few kilobytes however many a message has.
  package static let recipientsPerLine = 20
  /// Characters of an error that one line shows at most.
  package static let errorLimit = 1_000

  /// The first ``recipientsPerLine`` of `paths`.
  package func logged(_ paths: some Sequence<ForwardPath>) -> Logger.MetadataValue {
    .array(paths.prefix(Self.recipientsPerLine).map { "\(shown($0))" })
  }

  /// The next host's words, or an operator's.
  package func logged(_ reply: DeliveryReply) -> Logger.MetadataValue { "\(shown(text: reply.text))" }

  /// An error and what brought it about, on one line.
  package func logged(_ error: any Error) -> Logger.MetadataValue { "\(visible(String(reflecting: error)))" }

  /// Text of others, on one line.
  package func visible(_ text: String) -> String { VisibleText.of(shown(text: text), limit: Self.errorLimit) }
}
