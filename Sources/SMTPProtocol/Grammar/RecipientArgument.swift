import MailModel

/// The argument of RCPT (RFC 5321 §4.1.1.3): a path, and the parameters of RFC 3461, each at most once, in any order.
struct RecipientArgument: Equatable {
  var path: ForwardPath
  /// What is owed to the recipient on the whole way.
  var parameters = RecipientParameters()
  /// The extensions whose parameters stood there.
  var used: MailExtensions = []
  /// Whether the command holds octets of 128 and above, which SMTPUTF8 alone allows (RFC 6531 §3.3).
  var needsSMTPUTF8 = false

  /// Whether a parameter stood there.
  var hasParameters: Bool { !used.isEmpty }

  init(_ path: ForwardPath) { self.path = path }

  /// Reads the parameters in `text`; gives a reply where that cannot be.
  mutating func read(_ text: Span<UInt8>) -> SMTPReply? {
    var index = 0
    while let word = text.nextWord(from: index) {
      if let refusal = take(text.extracting(word)) { return refusal }
      index = word.upperBound
    }
    return nil
  }

  /// Takes one `keyword=value`; gives a reply where that cannot be.
  private mutating func take(_ word: Span<UInt8>) -> SMTPReply? {
    let nameEnd = word.firstIndex(of: UInt8(ascii: "=")) ?? word.count
    let name = word.extracting(0..<nameEnd)
    let value = word.extracting(min(nameEnd + 1, word.count)...)
    if name.equalsIgnoringCase("notify") {
      guard parameters.notifications == nil, let notifications = Notifications(wire: value) else {
        return .badNotifications
      }
      parameters.notifications = notifications
    } else if name.equalsIgnoringCase("orcpt") {
      guard parameters.originalRecipient == nil, let original = OriginalRecipient(wire: value) else {
        return .badOriginalRecipient
      }
      parameters.originalRecipient = original
    } else {
      return .unknownParameter
    }
    used.insert(.deliveryStatusNotifications)
    return nil
  }
}
