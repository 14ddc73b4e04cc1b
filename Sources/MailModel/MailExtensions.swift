/// What a message may ask of everybody on its way, beyond RFC 5321. A server advertises of these only what all behind it
/// keep: the policy that takes the message, and the transport that hands it on.
public struct MailExtensions: OptionSet, Hashable, Sendable {
  /// The set as bits.
  public let rawValue: UInt8

  /// A set of these bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// 8BITMIME (RFC 6152): octets of 128 and above reach a host that takes them, or the sender hears that none does.
  public static let eightBitMIME = MailExtensions(rawValue: 1)
  /// SMTPUTF8 (RFC 6531): addresses and header fields in UTF-8 reach a host that takes them, or the sender hears that none
  /// does.
  public static let smtpUTF8 = MailExtensions(rawValue: 2)
  /// DSN (RFC 3461): the sender hears of each recipient what it asked to hear, and in no other case.
  public static let deliveryStatusNotifications = MailExtensions(rawValue: 4)
  /// MT-PRIORITY (RFC 6710): of a sender's messages the more urgent go first, here and as far as the hosts behind know it.
  public static let transferPriorities = MailExtensions(rawValue: 8)

  /// All of them.
  public static let all: MailExtensions = [
    .eightBitMIME, .smtpUTF8, .deliveryStatusNotifications, .transferPriorities,
  ]
}
