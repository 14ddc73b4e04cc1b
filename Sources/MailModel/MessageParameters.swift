/// How a message's octets may look: the BODY parameter of MAIL (RFC 6152).
@nonexhaustive public enum BodyType: String, Hashable, Sendable {
  /// Lines of US-ASCII. The default where the client says nothing.
  case sevenBit = "7BIT"
  /// Lines that may hold octets of 128 and above.
  case eightBitMIME = "8BITMIME"
}

/// What a sender declares of a message in MAIL, and what is owed to it on the whole way (RFC 5321 §4.1.1.11). SIZE is not
/// among it: each hop says its own.
public struct MessageParameters: Hashable, Sendable {
  /// BODY (RFC 6152); default 7BIT.
  public var bodyType = BodyType.sevenBit
  /// SMTPUTF8 (RFC 6531 §3.4): addresses or header fields may hold UTF-8; default `false`.
  public var isInternationalized = false
  /// RET (RFC 3461 §4.3): how much of the message a report of failure returns; `nil` where it is the reporter's choice.
  public var returnedContent: ReturnedContent?
  /// MT-PRIORITY (RFC 6710): how soon the message is to be transferred; `nil` where the client did not say.
  public var priority: TransferPriority?
  /// ENVID (RFC 3461 §4.4): by what name the sender knows the transaction.
  public var envelopeID: EnvelopeID? {
    get { rare?.envelopeID }
    set { rare = Rare(newValue, submitter) }
  }
  /// AUTH (RFC 4954 §5): who submitted the message, as the client claims; the null path where the client does not know,
  /// `nil` where it did not say. It proves nothing: only a client that is trusted to say so speaks for another.
  public var submitter: ReversePath? {
    get { rare?.submitter }
    set { rare = Rare(envelopeID, newValue) }
  }
  /// What few clients send, apart, since these values are handed on with each message.
  private var rare: Rare?

  /// The defaults.
  public init() {}

  /// The defaults, with this body type.
  public init(bodyType: BodyType) { self.bodyType = bodyType }
}

extension MessageParameters {
  private final class Rare: Hashable, Sendable {
    let envelopeID: EnvelopeID?
    let submitter: ReversePath?

    /// `nil` where there is nothing to keep.
    init?(_ envelopeID: EnvelopeID?, _ submitter: ReversePath?) {
      guard envelopeID != nil || submitter != nil else { return nil }
      (self.envelopeID, self.submitter) = (envelopeID, submitter)
    }

    static func == (left: Rare, right: Rare) -> Bool {
      left.envelopeID == right.envelopeID && left.submitter == right.submitter
    }

    func hash(into hasher: inout Hasher) {
      hasher.combine(envelopeID)
      hasher.combine(submitter)
    }
  }
}

/// How much of a message a report of failure returns: the RET parameter of MAIL (RFC 3461 §4.3).
public enum ReturnedContent: String, Hashable, Sendable {
  /// All of it.
  case full = "FULL"
  /// Its header section alone.
  case headers = "HDRS"
}

/// By what name a sender knows a transaction: the ENVID parameter of MAIL (RFC 3461 §4.4), decoded.
public struct EnvelopeID: Hashable, Sendable, CustomStringConvertible {
  /// 1 to 100 octets of US-ASCII without controls, of which at most 100 in xtext.
  public let description: String

  /// `nil` where `text` is empty, holds anything but visible US-ASCII and blanks, or is over 100 octets in xtext.
  public init?(_ text: String) {
    let octets = Array(text.utf8)
    self.init(octets.span)
  }

  /// The value of the parameter; `nil` where it is none, or is over 100 octets as it is written.
  package init?(xtext: Span<UInt8>) {
    guard xtext.count <= Self.limit, let envelopeID = Xtext.decode(xtext, { EnvelopeID($0) }) else { return nil }
    self = envelopeID
  }

  private init?(_ octets: Span<UInt8>) {
    guard !octets.isEmpty, octets.isPrintableASCII, Xtext.encodedCount(octets) <= Self.limit else { return nil }
    description = octets.text()
  }

  /// Octets in xtext (RFC 3461 §4.4).
  private static let limit = 100
}

extension ReversePath {
  /// The value of MAIL's AUTH parameter (RFC 4954 §5): a mailbox or `<>`, in at most 500 octets of xtext.
  package init?(submitter xtext: Span<UInt8>) {
    guard (1...500).contains(xtext.count) else { return nil }
    let path = Xtext.decode(xtext) { octets in
      octets.equalsIgnoringCase("<>") ? ReversePath.null : Mailbox(octets).map(ReversePath.mailbox)
    }
    guard let path else { return nil }
    self = path
  }
}

// What a client says behind the path of MAIL. None of it can hold a blank or a line's end.
extension MessageParameters {
  /// Appends ` RET=… ENVID=…`, as far as there is something to say, for a server that offers DSN (RFC 3461).
  package func appendDSN(to output: inout [UInt8]) {
    if let returnedContent {
      output.append(contentsOf: " RET=".utf8)
      output.append(contentsOf: returnedContent.rawValue.utf8)
    }
    if let envelopeID {
      output.append(contentsOf: " ENVID=".utf8)
      Xtext.encode(envelopeID.description, into: &output)
    }
  }
}
