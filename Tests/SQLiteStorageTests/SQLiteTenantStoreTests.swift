import AccessControl
import MailModel
import SMTPAuth
import SMTPSubmission
import SQLiteStorage
import Testing

@Suite(.serialized) struct SQLiteTenantStoreTests {
  private let folders = TemporaryFolders()

  @Test func whatWasStoredIsThereAfterARestart() async throws {
    let path = folders.newPath()
    let key = try DeploymentKey.generate()
    let secret = SecretGenerator.password()
    let instance = Instance(name: "one")
    let configuration = SMTPConfiguration(
      instance: instance.id, name: "example", details: "what for", domain: try #require(DomainName("example.com")))
    let user = SMTPUser(
      configuration: configuration.id, username: "someone", verifier: try .keyedDigest(of: secret, under: key))
    let gone = SMTPUser(configuration: configuration.id, username: "gone", verifier: user.verifier)
    let policy = try AccessPolicy(
      zones: [
        NetworkZone(
          id: "zone", name: "a zone", summary: "text",
          addresses: ["192.0.2.0/24", "2001:db8::1-2001:db8::9", "127.0.0.1"].compactMap(ZoneAddress.init),
          excluded: [try #require(ZoneAddress("192.0.2.7"))])
      ],
      rules: [
        AccessRule(
          id: "rule", summary: "text",
          contexts: [AccessContext(zoneIDs: ["zone"], endpointTypes: [.private, .public])])
      ])

    let first = try await folders.open(path)
    try await first.tenants.apply([
      .addInstance(instance), .addConfiguration(configuration), .addUser(user), .addUser(gone),
      .setAccessPolicy(instance.id, policy),
    ])
    let changed = try SecretVerifier.keyedDigest(of: SecretGenerator.password(), under: key)
    try await first.tenants.apply([.setVerifier(user.id, changed), .removeUser(gone.id)])
    await first.close()

    let second = try await folders.open(path)
    #expect(try await second.tenants.instances() == [instance])
    #expect(try await second.tenants.configurations(of: instance.id) == [configuration])
    var expected = user
    expected.verifier = changed
    #expect(try await second.tenants.users(of: configuration.id) == [expected])
    let lookup = try await second.tenants.lookup("someone")
    #expect(lookup.credentials == [Credential(identity: user.id.description, verifier: changed)])
    #expect(!lookup.slowVerifiersExist)
    #expect(try await second.tenants.lookup("gone").credentials.isEmpty)
    let account = try #require(try await second.tenants.account(user.id.description))
    #expect(account.domains == [configuration.domain])
    for (address, isAllowed) in [
      ("192.0.2.6", true), ("192.0.2.7", false), ("2001:db8::9", true), ("192.0.3.1", false),
    ] {
      let request = AccessRequest(address: try #require(IPAddress(address)), endpointType: .private)
      #expect(try await second.tenants.admits(request) == isAllowed)
      #expect(account.accessPolicy.evaluate(request).isAllowed == isAllowed)
    }
    await second.close()
  }

  @Test func aChangeThatFailsLeavesNothing() async throws {
    let path = folders.newPath()
    let instance = Instance(name: "one")
    let first = try await folders.open(path)
    await #expect(throws: TenantError.self) {
      try await first.tenants.apply([.addInstance(instance), .addInstance(instance)])
    }
    #expect(try await first.tenants.instances().isEmpty)
    await first.close()
    let second = try await folders.open(path)
    #expect(try await second.tenants.instances().isEmpty)
    await second.close()
  }

  @Test func changesAtOnceAreAllThere() async throws {
    let path = folders.newPath()
    let first = try await folders.open(path)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<50 {
        group.addTask { try await first.tenants.apply([.addInstance(Instance(name: "\(number)"))]) }
      }
      try await group.waitForAll()
    }
    #expect(try await first.tenants.instances().count == 50)
    await first.close()
    let second = try await folders.open(path)
    #expect(try await second.tenants.instances().count == 50)
    await second.close()
  }
}
