import MailModel

/// What can be said without asking the server, from what it offers: every downgrade is decided here.
extension ClientTransaction {
  /// An outcome for each recipient, in their order; `nil` for those that the server must be asked about.
  func outcomesInAdvance(_ context: ClientSession.Context) -> [ClientOutcome?] {
    if let outcome = commonOutcome(context) { return envelope.recipients.map { _ in outcome } }
    let limit = context.capabilities.recipientLimit ?? .max
    var asked = 0
    return envelope.recipients.map { recipient in
      if !context.capabilities.smtpUTF8, recipient.path.isInternationalized {
        return context.cannotTake(.recipientAddress)
      }
      guard asked < limit else { return .postponed("The next host takes \(limit) recipients at a time") }
      asked += 1
      return nil
    }
  }

  /// What holds for every recipient.
  private func commonOutcome(_ context: ClientSession.Context) -> ClientOutcome? {
    if context.transactionsLeft == 0 { return .postponed("The next host takes no more messages in this session") }
    if let size, let limit = context.capabilities.sizeLimit, size > limit {
      return .unsuitable(
        EnhancedStatusCode(trusted: .permanentFailure, 3, 4),
        "The message has \(size) octets, and the next host takes \(limit)")
    }
    if !context.capabilities.eightBitMIME, envelope.parameters.bodyType == .eightBitMIME, !isASCII {
      return context.cannotTake(.eightBitContent)
    }
    guard !context.capabilities.smtpUTF8 else { return nil }
    if envelope.parameters.isInternationalized, !isASCII {
      return context.cannotTake(.internationalizedHeaders)
    }
    if let sender = envelope.reversePath.mailbox, sender.isInternationalized {
      return context.cannotTake(.senderAddress)
    }
    return nil
  }

  /// Whether the transaction is one of SMTPUTF8, so that UTF-8 may stand in its commands (RFC 6531 §3.4).
  func isInternationalized(_ context: ClientSession.Context) -> Bool {
    guard context.capabilities.smtpUTF8 else { return false }
    return envelope.parameters.isInternationalized || envelope.reversePath.mailbox?.isInternationalized == true
      || envelope.recipients.contains { $0.path.isInternationalized }
  }
}

/// What a message needs and a server does not offer.
private struct MissingExtension {
  var code: EnhancedStatusCode
  var reason: String

  /// RFC 6152 §3.
  static let eightBitContent = MissingExtension(
    code: EnhancedStatusCode(trusted: .permanentFailure, 6, 3),
    reason: "The message holds 8-bit content, and the next host does not offer 8BITMIME")
  /// RFC 6531 §4.3.
  static let internationalizedHeaders = MissingExtension(
    code: EnhancedStatusCode(trusted: .permanentFailure, 6, 9),
    reason: "The message may have internationalized header fields, and the next host does not offer SMTPUTF8")
  /// RFC 6531 §3.2.
  static let senderAddress = MissingExtension(
    code: EnhancedStatusCode(trusted: .permanentFailure, 6, 7),
    reason: "The sender's address is internationalized, and the next host does not offer SMTPUTF8")
  /// RFC 6531 §3.2.
  static let recipientAddress = MissingExtension(
    code: EnhancedStatusCode(trusted: .permanentFailure, 6, 7),
    reason: "The recipient's address is internationalized, and the next host does not offer SMTPUTF8")
}

extension ClientSession.Context {
  /// A server that refused EHLO and took HELO did not tell what it offers: that is no reason to give the message up.
  fileprivate func cannotTake(_ missing: MissingExtension) -> ClientOutcome {
    extendedHelloRefusal.map { .refused($0, at: .hello) } ?? .unsuitable(missing.code, missing.reason)
  }
}

extension ForwardPath {
  /// Whether it can be named only where SMTPUTF8 is spoken.
  fileprivate var isInternationalized: Bool {
    switch self {
    case .mailbox(let mailbox): mailbox.isInternationalized
    case .postmaster: false
    }
  }
}
