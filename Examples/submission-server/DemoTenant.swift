import AccessControl
import ArgumentParser
import MailModel
import SMTPAuth
import SMTPSubmission

/// The demo's one instance: `example.com`, and a rule that lets loopback in.
struct DemoTenant {
  static let domain = "example.com"

  let tenants: any TenantAdministration
  let key: DeploymentKey

  /// What the tenants' store asks of a name, to be told before anything is made.
  static func validate(username: String) throws {
    guard (3...250).contains(username.utf8.count), username.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
      throw ValidationError("--username has 3 to 250 octets without control characters.")
    }
  }

  /// The user to send as, made or changed as asked.
  ///
  /// - Returns: the password too, where it is known: that of a user that was there already is not.
  func user(named name: String?, password: String?) async throws -> (username: String, password: String?) {
    let configuration = try await configuration()
    let users = try await tenants.users(of: configuration.id)
    let known = name == nil ? users.first : users.first { $0.username == name }
    if let known {
      guard let password else { return (known.username, nil) }
      try await tenants.apply([.setVerifier(known.id, try .scrypt(of: password))])
      return (known.username, password)
    }
    let generated = SecretGenerator.password()
    let verifier = try password.map { try SecretVerifier.scrypt(of: $0) } ?? .keyedDigest(of: generated, under: key)
    let user = SMTPUser(
      configuration: configuration.id, username: name ?? SecretGenerator.username(), verifier: verifier)
    try await tenants.apply([.addUser(user)])
    return (user.username, password ?? generated.text)
  }

  private func configuration() async throws -> SMTPConfiguration {
    if let instance = try await tenants.instances().first,
      let configuration = try await tenants.configurations(of: instance.id).first
    {
      return configuration
    }
    guard let domain = DomainName(Self.domain), let v4 = ZoneAddress("127.0.0.0/8"), let v6 = ZoneAddress("::1") else {
      throw ValidationError("the demo's own values are wrong")
    }
    let instance = Instance(name: "demo")
    let configuration = SMTPConfiguration(instance: instance.id, name: "demo", domain: domain)
    let zone = try NetworkZone(id: "loopback", name: "loopback", addresses: [v4, v6])
    let rule = try AccessRule(id: "loopback", contexts: [AccessContext(zoneIDs: [zone.id])])
    try await tenants.apply([
      .addInstance(instance), .addConfiguration(configuration),
      .setAccessPolicy(instance.id, try AccessPolicy(zones: [zone], rules: [rule])),
    ])
    return configuration
  }
}
