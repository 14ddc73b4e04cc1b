public import MailModel

/// A domain that an instance sends from.
public struct SMTPConfiguration: Hashable, Sendable {
  /// Its name in the deployment.
  public var id: Identifier<SMTPConfiguration>
  /// Whose it is.
  public var instance: Identifier<Instance>
  /// For people: 1 to 250 characters, as Unicode counts its scalars.
  public var name: String
  /// For people: up to 250 such characters.
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
