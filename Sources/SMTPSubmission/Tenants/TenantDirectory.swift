package import AccessControl
import MailModel
package import SMTPAuth

/// All tenants' data as one value, with the rules that hold among them. Stores that fit into memory answer from it.
package struct TenantDirectory: Sendable {
  /// Users of one configuration at most.
  package static let usersPerConfiguration = 5

  private var instances: [Identifier<Instance>: Instance] = [:]
  private var configurations: [Identifier<SMTPConfiguration>: SMTPConfiguration] = [:]
  private var users: [Identifier<SMTPUser>: SMTPUser] = [:]
  private var accessPolicies: [Identifier<Instance>: AccessPolicy] = [:]
  private var configurationsByInstance: [Identifier<Instance>: [Identifier<SMTPConfiguration>]] = [:]
  private var usersByConfiguration: [Identifier<SMTPConfiguration>: [Identifier<SMTPUser>]] = [:]
  /// By octets, since strings that look alike compare as equal.
  private var usersByName: [[UInt8]: [Identifier<SMTPUser>]] = [:]
  private var slowVerifiers = 0

  package init() {}

  /// Makes a change, or throws and changes nothing.
  package mutating func apply(_ change: TenantChange) throws(TenantError) {
    switch change {
    case .addInstance(let instance): try add(instance)
    case .addConfiguration(let configuration): try add(configuration)
    case .addUser(let user): try add(user)
    case .setVerifier(let id, let verifier): try setVerifier(verifier, of: id)
    case .removeUser(let id): try remove(id)
    case .setAccessPolicy(let id, let policy):
      guard instances[id] != nil else { throw .notFound("instance", id) }
      accessPolicies[id] = policy
    }
  }
}

// Reads.
extension TenantDirectory {
  /// Every instance's, to be asked where nobody waits for a lock.
  package var allAccessPolicies: [AccessPolicy] { Array(accessPolicies.values) }

  package func lookup(_ username: String) -> CredentialLookup {
    let found = usersByName[Array(username.utf8)] ?? []
    let credentials = found.compactMap { users[$0] }.map {
      Credential(identity: $0.id.description, verifier: $0.verifier)
    }
    return CredentialLookup(credentials: credentials, slowVerifiersExist: slowVerifiers > 0)
  }

  package func account(_ identity: String) -> Account? {
    guard let id = Identifier<SMTPUser>(identity), let user = users[id],
      let configuration = configurations[user.configuration], let instance = instances[configuration.instance]
    else { return nil }
    let namesakes = usersByName[Array(user.username.utf8)] ?? []
    let domains = namesakes.compactMap { users[$0] }.compactMap { configurations[$0.configuration]?.domain }
    return Account(
      user: user, instance: instance, domains: Set(domains), accessPolicy: accessPolicies[instance.id] ?? AccessPolicy()
    )
  }

  package func allInstances() -> [Instance] {
    instances.values.sorted { $0.id.description < $1.id.description }
  }

  package func configurations(of instance: Identifier<Instance>) -> [SMTPConfiguration] {
    (configurationsByInstance[instance] ?? []).compactMap { configurations[$0] }.sorted { $0.domain < $1.domain }
  }

  package func users(of configuration: Identifier<SMTPConfiguration>) -> [SMTPUser] {
    (usersByConfiguration[configuration] ?? []).compactMap { users[$0] }.sorted { $0.username < $1.username }
  }
}

// Changes.
extension TenantDirectory {
  private mutating func add(_ instance: Instance) throws(TenantError) {
    guard instances[instance.id] == nil else { throw .exists("instance", instance.id) }
    guard (1...250).contains(instance.name.unicodeScalars.count) else {
      throw TenantError(.invalidValue, "an instance's name has 1 to 250 characters")
    }
    instances[instance.id] = instance
  }

  private mutating func add(_ configuration: SMTPConfiguration) throws(TenantError) {
    guard instances[configuration.instance] != nil else { throw .notFound("instance", configuration.instance) }
    guard configurations[configuration.id] == nil else { throw .exists("configuration", configuration.id) }
    guard (1...250).contains(configuration.name.unicodeScalars.count),
      configuration.details.unicodeScalars.count <= 250
    else {
      throw TenantError(.invalidValue, "a configuration's name has 1 to 250 characters, its description up to 250")
    }
    let siblings = configurations(of: configuration.instance)
    guard !siblings.contains(where: { $0.domain == configuration.domain }) else {
      throw TenantError(.alreadyExists, "the instance has a configuration of \(configuration.domain) already; use that")
    }
    configurations[configuration.id] = configuration
    configurationsByInstance[configuration.instance, default: []].append(configuration.id)
  }

  private mutating func add(_ user: SMTPUser) throws(TenantError) {
    guard let configuration = configurations[user.configuration] else {
      throw .notFound("configuration", user.configuration)
    }
    guard users[user.id] == nil else { throw .exists("user", user.id) }
    guard (3...250).contains(user.username.utf8.count), user.username.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
    else { throw TenantError(.invalidValue, "a username has 3 to 250 octets without control characters") }
    guard (usersByConfiguration[user.configuration] ?? []).count < Self.usersPerConfiguration else {
      throw TenantError(
        .limitReached, "a configuration has at most \(Self.usersPerConfiguration) users; delete one that is not used")
    }
    let name = Array(user.username.utf8)
    for namesake in (usersByName[name] ?? []).compactMap({ users[$0] }) {
      let other = configurations[namesake.configuration]
      guard other?.instance == configuration.instance, namesake.configuration != user.configuration else {
        throw TenantError(.alreadyExists, "the username is taken; choose another")
      }
      // One username proves one identity, wherever it was cloned to: whoever knows its password sends for all its domains.
      guard namesake.verifier == user.verifier else {
        throw TenantError(.alreadyExists, "the username is taken with another password; clone it, or choose another")
      }
    }
    users[user.id] = user
    usersByConfiguration[user.configuration, default: []].append(user.id)
    usersByName[name, default: []].append(user.id)
    if user.verifier.isSlow { slowVerifiers += 1 }
  }

  private mutating func setVerifier(_ verifier: SecretVerifier, of id: Identifier<SMTPUser>) throws(TenantError) {
    guard let user = users[id] else { throw .notFound("user", id) }
    for clone in usersByName[Array(user.username.utf8)] ?? [] {
      slowVerifiers += (verifier.isSlow ? 1 : 0) - (user.verifier.isSlow ? 1 : 0)
      users[clone]?.verifier = verifier
    }
  }

  private mutating func remove(_ id: Identifier<SMTPUser>) throws(TenantError) {
    guard let user = users.removeValue(forKey: id) else { throw .notFound("user", id) }
    if user.verifier.isSlow { slowVerifiers -= 1 }
    usersByConfiguration[user.configuration]?.removeAll { $0 == id }
    let name = Array(user.username.utf8)
    usersByName[name]?.removeAll { $0 == id }
    if usersByName[name]?.isEmpty == true { usersByName[name] = nil }
  }
}

extension TenantError {
  fileprivate static func notFound<Thing>(_ kind: String, _ id: Identifier<Thing>) -> TenantError {
    TenantError(.notFound, "there is no \(kind) \(id)")
  }

  fileprivate static func exists<Thing>(_ kind: String, _ id: Identifier<Thing>) -> TenantError {
    TenantError(.alreadyExists, "there is a \(kind) \(id) already")
  }
}
