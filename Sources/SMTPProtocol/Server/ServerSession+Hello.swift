import MailModel

// What the server says of itself. Written octet for octet, since every session hears it.
extension ServerSession.Context {
  func encodeGreeting(into replies: inout [UInt8]) {
    replies.append(contentsOf: "220 ".utf8)
    replies.append(contentsOf: configuration.hostName.description.utf8)
    replies.append(contentsOf: " ESMTP\r\n".utf8)
  }

  /// The reply to EHLO lists what this session takes, and no more; that to HELO is a line.
  func encodeHelloReply(into replies: inout [UInt8]) {
    let isExtended = hello?.isExtended == true
    replies.append(contentsOf: isExtended ? "250-".utf8 : "250 ".utf8)
    replies.append(contentsOf: configuration.hostName.description.utf8)
    replies.append(contentsOf: "\r\n".utf8)
    if isExtended { encodeExtensions(into: &replies) }
  }

  private func encodeExtensions(into replies: inout [UInt8]) {
    replies.append(contentsOf: "250-PIPELINING\r\n250-SIZE ".utf8)
    replies.append(decimal: limits.messageSize)
    replies.append(contentsOf: "\r\n".utf8)
    if extensions.contains(.eightBitMIME) { replies.append(contentsOf: "250-8BITMIME\r\n".utf8) }
    if extensions.contains(.smtpUTF8) { replies.append(contentsOf: "250-SMTPUTF8\r\n".utf8) }
    if configuration.offersChunking { replies.append(contentsOf: "250-CHUNKING\r\n".utf8) }
    if extensions.contains(.deliveryStatusNotifications) { replies.append(contentsOf: "250-DSN\r\n".utf8) }
    if extensions.contains(.transferPriorities) { replies.append(contentsOf: "250-MT-PRIORITY\r\n".utf8) }
    if offersStartTLS { replies.append(contentsOf: "250-STARTTLS\r\n".utf8) }
    if offersAuthentication {
      replies.append(contentsOf: "250-AUTH".utf8)
      for mechanism in mechanisms {
        replies.append(.space)
        replies.append(contentsOf: mechanism.utf8)
      }
      replies.append(contentsOf: "\r\n".utf8)
    }
    if configuration.advertisesLimits { encodeLimits(into: &replies) }
    replies.append(contentsOf: "250 ENHANCEDSTATUSCODES\r\n".utf8)
  }

  /// RFC 9422 §4: a number has one to six digits and is not 0; a limit beyond that is as good as none.
  private func encodeLimits(into replies: inout [UInt8]) {
    let numbers = 1...999_999
    let (hasRecipients, hasMessages) = (numbers.contains(limits.recipients), numbers.contains(limits.messages))
    guard hasRecipients || hasMessages else { return }
    replies.append(contentsOf: "250-LIMITS".utf8)
    if hasRecipients {
      replies.append(contentsOf: " RCPTMAX=".utf8)
      replies.append(decimal: limits.recipients)
    }
    if hasMessages {
      replies.append(contentsOf: " MAILMAX=".utf8)
      replies.append(decimal: limits.messages)
    }
    replies.append(contentsOf: "\r\n".utf8)
  }

  /// The commands that this session takes.
  func encodeHelp(into replies: inout [UInt8]) {
    replies.append(contentsOf: "214 2.0.0 Commands: EHLO HELO".utf8)
    if offersStartTLS { replies.append(contentsOf: " STARTTLS".utf8) }
    if offersAuthentication { replies.append(contentsOf: " AUTH".utf8) }
    replies.append(contentsOf: " MAIL RCPT DATA".utf8)
    if configuration.offersChunking { replies.append(contentsOf: " BDAT".utf8) }
    replies.append(contentsOf: " RSET NOOP VRFY HELP QUIT (RFC 5321, RFC 6409)\r\n".utf8)
  }

  private var offersStartTLS: Bool { configuration.security == .startTLSRequired && tls == nil }
}

extension SMTPReply {
  /// To a BDAT behind which more will come.
  static func encodeReceived(octets: Int, into replies: inout [UInt8]) {
    replies.append(contentsOf: "250 2.0.0 ".utf8)
    replies.append(decimal: octets)
    replies.append(contentsOf: " octets received\r\n".utf8)
  }
}

extension [UInt8] {
  /// A number that is not negative, in decimal digits.
  fileprivate mutating func append(decimal number: Int) {
    let number = Swift.max(0, number)
    var power = 1
    while number / power >= 10 { power *= 10 }
    while power > 0 {
      append(UInt8(ascii: "0") + UInt8(number / power % 10))
      power /= 10
    }
  }
}
