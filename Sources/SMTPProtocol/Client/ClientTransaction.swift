public import MailModel

/// A message that a ``ClientSession`` is to hand on, apart from its content.
///
/// What its envelope asks for goes out as far as the server offers it; ``ClientSession/begin(_:at:output:)`` says what
/// happens otherwise.
public struct ClientTransaction: Hashable, Sendable {
  /// Who sends to whom, and what is asked for it.
  public var envelope: Envelope
  /// Octets of the content as it is stored, for SIZE (RFC 1870); `nil` where they are not known.
  public var size: Int?
  /// Whether all of the content is known to be US-ASCII, whatever its envelope declares: then a server without SMTPUTF8 or
  /// 8BITMIME may be given it; default `false`. That the header section is, is not enough: internationalized header fields
  /// may stand at any level of MIME (RFC 6531 §3.2).
  public var isASCII = false

  /// A transaction of these parts.
  public init(envelope: Envelope, size: Int? = nil) { (self.envelope, self.size) = (envelope, size) }
}
