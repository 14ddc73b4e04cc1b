import MailModel

/// The parameters of MAIL (RFC 5321 §4.1.1.11): each at most once, in any order.
struct MailParameters: Equatable {
  /// What is owed to the message on its whole way.
  var message = MessageParameters()
  /// SIZE (RFC 1870 §6): at most 20 digits; a number too large to count is as good as the largest.
  var size: Int?
  /// The extensions whose parameters stood there.
  var used: MailExtensions = []
  /// Whether the command holds octets of 128 and above, which SMTPUTF8 alone allows (RFC 6531 §3.3).
  var needsSMTPUTF8 = false

  /// Whether AUTH stood there (RFC 4954 §5).
  var hasSubmitter: Bool { message.submitter != nil }
  /// Whether no parameter stood there.
  var isEmpty: Bool { size == nil && used.isEmpty && !hasSubmitter }

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
    guard nameEnd < word.count else {
      return name.equalsIgnoringCase("smtputf8") ? takeSMTPUTF8() : Self.refusal(ofBare: name)
    }
    let value = word.extracting((nameEnd + 1)...)
    if name.equalsIgnoringCase("size") { return takeSize(value) }
    if name.equalsIgnoringCase("body") { return takeBody(value) }
    if name.equalsIgnoringCase("auth") { return takeSubmitter(value) }
    if name.equalsIgnoringCase("ret") { return takeReturnedContent(value) }
    if name.equalsIgnoringCase("envid") { return takeEnvelopeID(value) }
    if name.equalsIgnoringCase("mt-priority") { return takePriority(value) }
    return name.equalsIgnoringCase("smtputf8") ? .badSMTPUTF8 : .unknownParameter
  }

  /// What a keyword without `=` earns that takes a value.
  private static func refusal(ofBare name: Span<UInt8>) -> SMTPReply {
    if name.equalsIgnoringCase("size") { return .badSize }
    if name.equalsIgnoringCase("body") { return .badBody }
    if name.equalsIgnoringCase("auth") { return .badSubmitter }
    if name.equalsIgnoringCase("ret") { return .badReturnedContent }
    if name.equalsIgnoringCase("envid") { return .badEnvelopeID }
    return name.equalsIgnoringCase("mt-priority") ? .badPriority : .unknownParameter
  }
}

extension MailParameters {
  private mutating func takeSMTPUTF8() -> SMTPReply? {
    guard !message.isInternationalized else { return .badSMTPUTF8 }
    message.isInternationalized = true
    used.insert(.smtpUTF8)
    return nil
  }

  private mutating func takeSize(_ value: Span<UInt8>) -> SMTPReply? {
    guard size == nil, let number = value.decimalNumber(digits: 20) else { return .badSize }
    size = number
    return nil
  }

  private mutating func takeBody(_ value: Span<UInt8>) -> SMTPReply? {
    guard !used.contains(.eightBitMIME) else { return .badBody }
    used.insert(.eightBitMIME)
    if value.equalsIgnoringCase("7bit") {
      message.bodyType = .sevenBit
    } else if value.equalsIgnoringCase("8bitmime") {
      message.bodyType = .eightBitMIME
    } else {
      return value.equalsIgnoringCase("binarymime") ? .noBinaryMIME : .badBody
    }
    return nil
  }

  private mutating func takeSubmitter(_ value: Span<UInt8>) -> SMTPReply? {
    guard !hasSubmitter, let submitter = ReversePath(submitter: value) else { return .badSubmitter }
    message.submitter = submitter
    return nil
  }

  private mutating func takeReturnedContent(_ value: Span<UInt8>) -> SMTPReply? {
    guard message.returnedContent == nil else { return .badReturnedContent }
    if value.equalsIgnoringCase("full") {
      message.returnedContent = .full
    } else if value.equalsIgnoringCase("hdrs") {
      message.returnedContent = .headers
    } else {
      return .badReturnedContent
    }
    used.insert(.deliveryStatusNotifications)
    return nil
  }

  private mutating func takeEnvelopeID(_ value: Span<UInt8>) -> SMTPReply? {
    guard message.envelopeID == nil, let envelopeID = EnvelopeID(xtext: value) else { return .badEnvelopeID }
    message.envelopeID = envelopeID
    used.insert(.deliveryStatusNotifications)
    return nil
  }

  private mutating func takePriority(_ value: Span<UInt8>) -> SMTPReply? {
    guard message.priority == nil, let priority = TransferPriority(value) else { return .badPriority }
    message.priority = priority
    used.insert(.transferPriorities)
    return nil
  }
}
