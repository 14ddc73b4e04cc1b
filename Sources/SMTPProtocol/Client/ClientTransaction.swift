public import MailModel

/// A message that a ``ClientSession`` is to hand on, apart from its content.
///
/// What its envelope asks for goes out as far as the server offers it; ``ClientSession/begin(_:at:output:)`` says what
/// happens otherwise.
public struct ClientTransaction: Hashable, Sendable {
  /// How much of a content is known to be US-ASCII, whatever its envelope declares.
  public enum ASCIIPart: Hashable, Sendable {
    /// Nothing is known.
    case unknown
    /// The header section: no octet of 128 and above stands in it.
    case headers
    /// All of it.
    case everything
  }

  /// Who sends to whom, and what is asked for it.
  public var envelope: Envelope
  /// Octets of the content as it is stored, for SIZE (RFC 1870); `nil` where they are not known.
  public var size: Int?
  /// What a server without SMTPUTF8 or 8BITMIME may be given although the envelope declares more (RFC 6531 §3.2,
  /// RFC 6152 §3); default ``ASCIIPart/unknown``, so that it is given nothing of the kind.
  public var asciiPart = ASCIIPart.unknown

  /// A transaction of these parts.
  public init(envelope: Envelope, size: Int? = nil) { (self.envelope, self.size) = (envelope, size) }
}
