import MailModel

extension ServerSession {
  /// What outlives a state.
  struct Context {
    let configuration: ServerConfiguration
    var tls: TLSFacts?
    var mechanisms: [String] = []
    /// Of the extensions that concern a message's whole way, those that this session offers.
    var extensions: MailExtensions = []
    var hello: Hello?
    /// Whether commands are taken without EHLO, since one came before STARTTLS.
    var isHelloForgiven = false
    var identity: String?
    /// Octets at the front of the input already searched for the end of a line.
    var scanned = 0
    /// When the connection began.
    var begun = MonotonicInstant(nanoseconds: 0)
    /// Since when the session waits for the line that comes next.
    var waitingSince = MonotonicInstant(nanoseconds: 0)
    var isShuttingDown = false
    /// Whether a transaction was refused, by MAIL or by BDAT, so that none is open and a pipelining client may not know yet.
    var isTransactionRefused = false
    var budgets = Budgets()
    /// What the policy is about to be asked.
    var question: SessionQuestion?
    /// What MAIL and RCPT have brought: in stage `envelope`, and while the policy is asked for one of them.
    var transaction = Transaction()
    /// What comes by BDAT: in the states `chunk` and `discardingChunk`, and in stage `chunks`.
    var chunks = Chunks()
    /// What is read in the states `content` and `discardingContent`.
    var content = Content(reader: ContentReader(lineLimit: 0), pace: Pace(begun: MonotonicInstant(nanoseconds: 0)))

    init(_ configuration: ServerConfiguration) { self.configuration = configuration }

    var limits: Limits { configuration.limits }
    var isSecured: Bool { configuration.security == .plaintext || tls != nil }
    /// Whether the client is who it must be: nobody else is forgiven anything, or may send much.
    var isAuthorized: Bool { identity != nil || !configuration.requiresAuthentication }
    var hasHello: Bool { hello != nil || isHelloForgiven }
    /// Whether this EHLO's reply lists AUTH, or would.
    var offersAuthentication: Bool { tls != nil && !mechanisms.isEmpty }

    /// What the driver is told, with the question.
    mutating func sessionAction(_ action: Action) -> SessionAction {
      switch action {
      case .read: .read
      case .ask: question.take().map { .ask($0) } ?? .read
      case .content(let range): .content(range)
      case .abandonExchange: .abandonExchange
      case .abandonMessage: .abandonMessage
      case .startTLS: .startTLS
      case .close: .close
      }
    }

    var commandTimeout: Duration {
      identity == nil ? limits.commandTimeoutBeforeAuthentication : limits.commandTimeout
    }

    /// Only by then can AUTH come, where the client needs it.
    var authenticationDeadline: MonotonicInstant? {
      isAuthorized ? nil : begun.advanced(by: limits.authenticationTimeout)
    }

    /// Of the policy's mechanisms those that have a name by RFC 4422 §3.1, in upper case: the names go out in the reply to
    /// EHLO, and come back in AUTH.
    mutating func offer(mechanisms: [String]) {
      self.mechanisms = mechanisms.compactMap { Array($0.utf8).span.mechanismName() }
    }

    /// TLS begins: whatever came in clear may be somebody else's (RFC 3207 §4.2). Errors and failures stay.
    mutating func forgetDialogue() {
      (identity, isTransactionRefused, transaction, scanned) = (nil, false, Transaction(), 0)
      budgets.beginAnew()
    }

    /// The extensions that both the host and its policy want. SMTPUTF8 cannot be without 8BITMIME (RFC 6531 §3.1).
    mutating func offer(_ kept: MailExtensions) {
      extensions = configuration.extensions.intersection(kept)
      if !extensions.contains(.eightBitMIME) { extensions.remove(.smtpUTF8) }
    }

    /// RFC 3848; RFC 6531 §4.3 with SMTPUTF8; RFC 5321 §4.4: HELO alone makes SMTP.
    func protocolKeyword(isInternationalized: Bool) -> String {
      let isExtended = hello?.isExtended ?? true
      return switch (tls != nil, identity != nil) {
      case (false, false): isInternationalized ? "UTF8SMTP" : isExtended ? "ESMTP" : "SMTP"
      case (false, true): isInternationalized ? "UTF8SMTPA" : "ESMTPA"
      case (true, false): isInternationalized ? "UTF8SMTPS" : "ESMTPS"
      case (true, true): isInternationalized ? "UTF8SMTPSA" : "ESMTPSA"
      }
    }
  }

  struct Hello {
    var name: ClientName
    var isExtended: Bool
  }

  /// What the client has used of ``Limits``.
  struct Budgets {
    // Of the session.
    var transactions = 0
    var errors = 0
    var authenticationFailures = 0

    // Since the last accepted message, or since TLS began.
    /// What was refused and may be no error of the client's: senders, recipients and messages, and what a pipelining client
    /// sent behind a refusal before it saw it (RFC 2920 §3.1).
    var forgiven = 0
    var uselessCommands = 0
    var resets = 0
    var fruitlessTransactions = 0
    /// Octets of refused content.
    var discardedOctets = 0

    mutating func beginAnew() {
      (forgiven, uselessCommands, resets, fruitlessTransactions, discardedOctets) = (0, 0, 0, 0, 0)
    }
  }
}
