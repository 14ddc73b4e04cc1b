/// Which header fields a signature covers.
///
/// Each of them is named once more than it stands in the message, so that nobody can add one (RFC 6376 §8.15): a reader may show the
/// added one. Those that a reader shows or a program acts on are named where the message has none, too. Trace fields, Return-Path
/// and Bcc change on the way, and are never named (RFC 6376 §5.4.1).
enum DKIMSignedFields {
  /// Fields of one name that are signed: 20. RFC 5322 §3.6 allows one of nearly all of them.
  static let largestCount = 20

  /// Signed where the message has none, too.
  private static let always = [
    "from", "to", "cc", "subject", "date", "message-id", "reply-to", "sender", "mime-version", "content-type",
    "content-transfer-encoding",
  ]

  /// Signed where the message has one. Mailing lists may add them to others (RFC 2369, RFC 2919, RFC 8058).
  private static let present = [
    "in-reply-to", "references", "list-unsubscribe", "list-unsubscribe-post", "list-id", "list-help", "list-subscribe",
    "list-post", "list-owner", "list-archive", "content-id", "content-description", "content-disposition",
    "content-language", "auto-submitted", "feedback-id",
  ]

  /// What `h=` names for a message of these fields.
  ///
  /// - Throws: ``DKIMError`` with code ``DKIMError/Code/headerFrom`` unless there is exactly one From, and with
  ///   ``DKIMError/Code/headerFields`` for a field that stands too often.
  static func names(in fields: DKIMHeaderFields) throws(DKIMError) -> [String] {
    let fromCount = fields.count(of: "from")
    guard fromCount == 1 else {
      throw DKIMError(.headerFrom, "the message has \(fromCount) header fields From; it needs exactly one")
    }
    var names: [String] = []
    for name in always + present {
      let count = fields.count(of: name)
      guard count <= largestCount else {
        throw DKIMError(.headerFields, "the message has \(count) header fields \(name); \(largestCount) can be signed")
      }
      if count > 0 || always.contains(name) { names += Array(repeating: name, count: count + 1) }
    }
    return names
  }
}
