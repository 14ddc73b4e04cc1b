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

/// Whom a sender meant: the ORCPT parameter of RCPT (RFC 3461 §4.2, RFC 6533 §3), decoded.
public struct OriginalRecipient: Hashable, Sendable, CustomStringConvertible {
  /// What kind of address it is, in lower case: `rfc822`, `utf-8`, … (an atom of US-ASCII).
  public let addressType: String
  /// The address, opaque: nothing here is ever routed by it. Without controls; beyond US-ASCII only with the type `utf-8`.
  public let address: String

  /// `nil` where the type is no atom, the address is empty or holds what it may not, or the two come to more than 500
  /// octets in xtext (RFC 3461 §4.2).
  public init?(addressType: String, address: String) {
    let type = Array(addressType.utf8)
    let octets = Array(address.utf8)
    let isUTF8 = addressType.lowercased() == "utf-8"
    guard !type.isEmpty, type.allSatisfy(\.isAtomText), !octets.isEmpty,
      octets.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && (isUTF8 || $0 < 0x7F) }),
      type.count + 1 + Xtext.encodedCount(octets.span) <= 500
    else { return nil }
    (self.addressType, self.address) = (addressType.lowercased(), address)
  }

  /// `rfc822;user@example.org`.
  public var description: String { "\(addressType);\(address)" }
}
