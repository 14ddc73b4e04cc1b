import PeerTesting
import SMTPTesting
import SystemDNS
import Testing

@Suite("The promises of a resolver, against nsd", .needs(.nsd)) struct SystemResolverConformanceTests {
  @Test(arguments: DNSResolverConformance.Check.allCases)
  func conforms(_ check: DNSResolverConformance.Check) async throws {
    try await withNameServer(zones: [DNSResolverConformance.apex: DNSResolverConformance.zone]) { server in
      try await withScriptedServer({ _ in [] }) { silent in
        let nameServer = try #require(SystemResolver.NameServer(server.endpoint))
        let conformance = DNSResolverConformance {
          SystemResolver(.init(nameServers: [nameServer]))
        } makeUnanswered: { _ in
          SystemResolver(.init(nameServers: [silent.nameServer], timeout: .seconds(1), tries: 1))
        }
        #expect(await conformance.run(check) == [])
      }
    }
  }
}
