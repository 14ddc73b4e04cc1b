public import MailModel
public import SMTPAuth

/// A name of a tenant's thing, unique within a deployment.
public struct Identifier<Thing>: Hashable, Sendable, CustomStringConvertible {
  /// 1 to 256 visible octets of US-ASCII.
  public let description: String

  /// `nil` where `text` is empty, longer than 256 octets, or holds more than visible US-ASCII.
  public init?(_ text: String) {
    guard (1...256).contains(text.utf8.count), text.utf8.allSatisfy(\.isASCIIVisible) else { return nil }
    description = text
  }

  /// A new one: 128 random bits in the form of a UUID (RFC 9562 §5.4).
  public static func random() -> Identifier {
    var bits = UInt128.random(in: .min ... .max)
    bits = bits & ~(0xF << 76) | 0x4 << 76
    bits = bits & ~(0x3 << 62) | 0x2 << 62
    let digits = Array(String(bits, radix: 16).utf8)
    let padded = Array(repeating: UInt8(ascii: "0"), count: 32 - digits.count) + digits
    let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(decoding: padded[$0], as: UTF8.self) }
    return Identifier(trusted: parts.joined(separator: "-"))
  }

  private init(trusted description: String) { self.description = description }
}

/// A tenant: everything that belongs together, and that nobody else sees.
public struct Instance: Hashable, Sendable {
  /// Its name in the deployment.
  public var id: Identifier<Instance>
  /// For people.
  public var name: String

  /// An instance of these parts.
  public init(id: Identifier<Instance> = .random(), name: String) { (self.id, self.name) = (id, name) }
}

/// A domain that an instance sends from.
public struct SMTPConfiguration: Hashable, Sendable {
  /// Its name in the deployment.
  public var id: Identifier<SMTPConfiguration>
  /// Whose it is.
  public var instance: Identifier<Instance>
  /// For people: 1 to 250 characters.
  public var name: String
  /// For people: up to 250 characters.
  public var details: String
  /// What stands behind the `@` of every sender.
  public var domain: DomainName

  /// A configuration of these parts.
  public init(
    id: Identifier<SMTPConfiguration> = .random(), instance: Identifier<Instance>, name: String, details: String = "",
    domain: DomainName
  ) {
    (self.id, self.instance, self.name) = (id, instance, name)
    (self.details, self.domain) = (details, domain)
  }
}

/// Who may send from a configuration's domain.
public struct SMTPUser: Hashable, Sendable {
  /// Its name in the deployment: the identity that AUTH proves.
  public var id: Identifier<SMTPUser>
  /// What it may use.
  public var configuration: Identifier<SMTPConfiguration>
  /// What the client says in AUTH: 3 to 250 characters.
  public var username: String
  /// Knows the password when it sees it.
  public var verifier: SecretVerifier

  /// A user of these parts.
  public init(
    id: Identifier<SMTPUser> = .random(), configuration: Identifier<SMTPConfiguration>, username: String,
    verifier: SecretVerifier
  ) {
    (self.id, self.configuration, self.username, self.verifier) = (id, configuration, username, verifier)
  }
}
