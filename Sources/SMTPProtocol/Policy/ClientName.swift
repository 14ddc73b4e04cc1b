import MailModel

/// The argument of EHLO or HELO: a domain name, an address literal, or what software of every kind says there
/// instead. Visible US-ASCII, 1 to 255 octets; never a sender's proof of anything.
public struct ClientName: Hashable, Sendable, CustomStringConvertible {
  /// As it was given.
  public let description: String

  /// `nil` where `text` is empty, over 255 octets, or holds more than visible US-ASCII.
  public init?(_ text: String) {
    let octets = Array(text.utf8)
    self.init(octets.span)
  }

  init?(_ octets: Span<UInt8>) {
    guard (1...255).contains(octets.count) else { return nil }
    for index in octets.indices where !octets[index].isASCIIVisible { return nil }
    description = octets.text()
  }
}
