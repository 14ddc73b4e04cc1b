import MailModel

/// What a server offers in its reply to EHLO (RFC 5321 §4.1.1.1), as far as we use it. However long the reply is, this is
/// of one size.
package struct ClientCapabilities: Equatable, Sendable {
  /// RFC 2920.
  package var pipelining = false
  /// RFC 3207.
  package var startTLS = false
  /// RFC 6152.
  package var eightBitMIME = false
  /// RFC 6531.
  package var smtpUTF8 = false
  /// RFC 3030.
  package var chunking = false
  /// RFC 3461.
  package var notifications = false
  /// RFC 6710, whatever the profile.
  package var transferPriorities = false
  /// RFC 2034. A reply's enhanced code is read in any case.
  package var enhancedStatusCodes = false
  /// RFC 1870.
  package var size = false
  /// Octets of the largest message that the server takes (RFC 1870 §4); `nil` where it names none.
  package var sizeLimit: Int?
  /// RFC 4954, whatever the mechanisms.
  package var authentication = false
  /// Those of the offered mechanisms that we know.
  package var mechanisms: Mechanisms = []
  /// RCPTMAX: recipients of a transaction (RFC 9422 §4.2).
  package var recipientLimit: Int?
  /// MAILMAX: transactions of a session (RFC 9422 §4.1).
  package var transactionLimit: Int?

  /// SASL mechanisms.
  package struct Mechanisms: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// RFC 4616.
    package static let plain = Mechanisms(rawValue: 1)
    /// User name and password, each when asked for.
    package static let login = Mechanisms(rawValue: 2)
  }

  /// Nothing: the reply to HELO.
  init() {}

  /// What the lines behind the first one say. Case does not matter, and what is malformed is as good as not said.
  init(_ reply: SMTPReply) {
    for line in reply.lines.dropFirst() {
      let words = line.split(separator: " ").map { $0.uppercased() }
      guard let keyword = words.first else { continue }
      switch keyword {
      case "PIPELINING": pipelining = true
      case "STARTTLS": startTLS = true
      case "8BITMIME": eightBitMIME = true
      case "SMTPUTF8": smtpUTF8 = true
      case "CHUNKING": chunking = true
      case "DSN": notifications = true
      case "MT-PRIORITY": transferPriorities = true
      case "ENHANCEDSTATUSCODES": enhancedStatusCodes = true
      case "SIZE":
        size = true
        sizeLimit = words.dropFirst().first.flatMap(Self.sizeLimit)
      case "AUTH": takeMechanisms(words.dropFirst())
      case "LIMITS": words.dropFirst().forEach { takeLimit($0) }
      // `AUTH=PLAIN LOGIN`, as servers said before RFC 2554, some to this day.
      case _ where keyword.hasPrefix("AUTH="): takeMechanisms([String(keyword.dropFirst(5))] + words.dropFirst())
      default: break
      }
    }
  }

  private mutating func takeMechanisms(_ names: some Sequence<String>) {
    authentication = true
    for name in names {
      switch name {
      case "PLAIN": mechanisms.insert(.plain)
      case "LOGIN": mechanisms.insert(.login)
      default: break
      }
    }
  }

  /// `nil` for 0, which says that there is no fixed limit, and for what is not 1 to 20 digits.
  private static func sizeLimit(_ text: String) -> Int? {
    guard (1...20).contains(text.utf8.count), text.utf8.allSatisfy(\.isASCIIDigit), let limit = Int(text), limit > 0
    else { return nil }
    return limit
  }

  /// `name=value`, the value 1 to 999,999 without leading zeros (RFC 9422 §4). Of two, the smaller counts.
  private mutating func takeLimit(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, (1...6).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy(\.isASCIIDigit),
      !parts[1].hasPrefix("0"), let limit = Int(parts[1])
    else { return }
    switch parts[0] {
    case "RCPTMAX": recipientLimit = min(recipientLimit ?? limit, limit)
    case "MAILMAX": transactionLimit = min(transactionLimit ?? limit, limit)
    default: break
    }
  }
}
