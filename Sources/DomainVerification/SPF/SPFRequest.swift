public import MailModel

/// Who sends, in whose name: the arguments of `check_host()` (RFC 7208 §4.1).
public struct SPFRequest: Hashable, Sendable {
  /// Whose domain is checked (RFC 7208 §2.3, §2.4).
  public enum Identity: String, Hashable, Sendable {
    /// That of MAIL FROM.
    case mailFrom = "mailfrom"
    /// That of HELO or EHLO, since MAIL FROM is null.
    case helo
  }

  /// The address of the client. IPv4 mapped into IPv6 is IPv4 (RFC 7208 §5), which ``MailModel/IPAddress`` sees to.
  public let clientAddress: IPAddress
  /// Whose domain is checked.
  public let identity: Identity
  /// The sender's local part; `postmaster` where it has none (RFC 7208 §2.4, §4.3).
  public let localPart: String
  /// The domain that is checked, U-labels as A-labels (RFC 8616 §4). It may be none: then it stands as it was given.
  public let domain: String
  /// What the client called itself.
  public let helo: String

  /// A client at `clientAddress` that said `HELO helo` and `MAIL FROM:<sender>`. For a null sender the client's own name is
  /// checked.
  public init(clientAddress: IPAddress, sender: ReversePath, helo: String) {
    switch sender {
    case .mailbox(let mailbox):
      self.init(clientAddress, .mailFrom, mailbox.localPart, mailbox.host.description, helo)
    case .null:
      self.init(clientAddress, .helo, "", Self.normalized(helo), helo)
    }
  }

  /// The same for a sender that was not read as a mailbox, as a command line or a log has it: `local@domain`, with a domain that
  /// is perhaps none; `@domain` or `domain` alone, for which the local part is `postmaster`; nothing, for the null sender. All of it
  /// may stand in angle brackets, as in MAIL FROM.
  public init(clientAddress: IPAddress, senderText: String, helo: String) {
    var octets = Array(senderText.utf8)
    if octets.first == UInt8(ascii: "<"), octets.last == UInt8(ascii: ">") {
      octets = Array(octets[1..<(octets.count - 1)])
    }
    guard !octets.isEmpty else {
      self.init(clientAddress, .helo, "", Self.normalized(helo), helo)
      return
    }
    let at = octets.lastIndex(of: UInt8(ascii: "@"))
    let localPart = String(decoding: octets[..<(at ?? 0)], as: UTF8.self)
    let domain = String(decoding: octets[(at.map { $0 + 1 } ?? 0)...], as: UTF8.self)
    self.init(clientAddress, .mailFrom, localPart, Self.normalized(domain), helo)
  }

  private init(
    _ clientAddress: IPAddress, _ identity: Identity, _ localPart: String, _ domain: String, _ helo: String
  ) {
    (self.clientAddress, self.identity, self.helo) = (clientAddress, identity, helo)
    self.localPart = localPart.isEmpty ? "postmaster" : localPart
    self.domain = domain
  }

  private static func normalized(_ domain: String) -> String { DomainName(domain)?.description ?? domain }

  /// Who the sender is taken for: local part and domain.
  public var sender: String { "\(localPart)@\(domain)" }
}
