public import MailDNS
public import MailModel

/// The name of one key of a domain (RFC 6376 §3.1): labels of letters, digits and hyphens, several where there are dots. A UUID
/// is one.
///
/// In lower case, since it is a part of a DNS name; labels in UTF-8 become their A-labels (RFC 8616 §5).
public struct DKIMSelector: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The selector, in lower case.
  public let description: String

  /// `nil` where `text` is no selector: a label is empty, longer than 63 octets, or holds something else.
  public init?(_ text: String) {
    guard let name = DomainName(text) else { return nil }
    description = name.description
  }

  /// Where the key of this selector is published, `selector._domainkey.example.com` (RFC 6376 §3.6.2.1); `nil` where that is
  /// longer than a name in the DNS may be.
  public func name(in domain: DomainName) -> DNSName? { DNSName("\(description)._domainkey.\(domain)") }

  /// Alphabetical.
  public static func < (left: DKIMSelector, right: DKIMSelector) -> Bool { left.description < right.description }
}
