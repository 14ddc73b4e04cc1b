/// What a sender asks for one recipient in RCPT (RFC 3461 §4.1, §4.2), owed to it on the whole way.
public struct RecipientParameters: Hashable, Sendable {
  /// NOTIFY: what is to be reported; `nil` where it is the reporter's choice, which is failure and perhaps delay.
  public var notifications: Notifications?
  /// ORCPT: whom the sender meant, before anybody forwarded or rewrote it.
  public var originalRecipient: OriginalRecipient?

  /// These parameters; none by default.
  public init(notifications: Notifications? = nil, originalRecipient: OriginalRecipient? = nil) {
    (self.notifications, self.originalRecipient) = (notifications, originalRecipient)
  }
}

/// What is to be reported of a recipient: the NOTIFY parameter of RCPT (RFC 3461 §4.1).
public struct Notifications: OptionSet, Hashable, Sendable {
  /// The set as bits.
  public let rawValue: UInt8

  /// A set of these bits; those without a meaning are dropped.
  public init(rawValue: UInt8) { self.rawValue = rawValue & 7 }

  /// That it was delivered.
  public static let success = Notifications(rawValue: 1)
  /// That it cannot be delivered.
  public static let failure = Notifications(rawValue: 2)
  /// That it takes longer than usual.
  public static let delay = Notifications(rawValue: 4)
  /// NEVER: nothing, not even a failure.
  public static let never: Notifications = []
}

extension Notifications {
  /// The value of the parameter: `NEVER`, or a list of the others in any order, each once.
  package init?(wire text: Span<UInt8>) {
    guard !text.equalsIgnoringCase("never") else {
      self = .never
      return
    }
    self = []
    var start = 0
    while start <= text.count {
      let end = text.firstIndex(of: UInt8(ascii: ","), from: start) ?? text.count
      guard let one = Self.keyword(text.extracting(start..<end)), insert(one).inserted else { return nil }
      start = end + 1
    }
  }

  private static func keyword(_ word: Span<UInt8>) -> Notifications? {
    if word.equalsIgnoringCase("success") { return .success }
    if word.equalsIgnoringCase("failure") { return .failure }
    return word.equalsIgnoringCase("delay") ? .delay : nil
  }

  fileprivate func append(to output: inout [UInt8]) {
    guard !isEmpty else { return output.append(contentsOf: "NEVER".utf8) }
    var isFirst = true
    for (one, keyword) in [(Self.success, "SUCCESS"), (.failure, "FAILURE"), (.delay, "DELAY")] where contains(one) {
      if !isFirst { output.append(UInt8(ascii: ",")) }
      output.append(contentsOf: keyword.utf8)
      isFirst = false
    }
  }
}

// What a client says behind the path of RCPT. None of it can hold a blank or a line's end.
extension RecipientParameters {
  /// Appends ` NOTIFY=… ORCPT=…`, as far as there is something to say, for a server that offers DSN (RFC 3461).
  package func appendDSN(to output: inout [UInt8]) {
    if let notifications {
      output.append(contentsOf: " NOTIFY=".utf8)
      notifications.append(to: &output)
    }
    if let originalRecipient {
      output.append(contentsOf: " ORCPT=".utf8)
      originalRecipient.append(to: &output)
    }
  }
}
