import ArgumentParser
import MailDNS
import SystemDNS

/// Whom a check asks.
struct ResolverOption: ParsableArguments {
  @Option(
    name: .customLong("dns"),
    help: ArgumentHelp(
      "A name server to ask, in place of those of /etc/resolv.conf; up to three.", valueName: "address[:port]"),
    transform: Parse.nameServer)
  var nameServers: [SystemResolver.NameServer] = []

  @Option(help: ArgumentHelp("How long one try waits for one name server, 1 to 30 seconds.", valueName: "seconds"))
  var dnsTimeout = 5

  func validate() throws {
    guard nameServers.count <= 3 else { throw ValidationError("--dns can be given three times at most.") }
    guard (1...30).contains(dnsTimeout) else { throw ValidationError("--dns-timeout is 1 to 30 seconds.") }
  }

  /// Asks each question once.
  func withResolver<Value>(_ body: (any DNSResolver) async throws -> Value) async throws -> Value {
    let system = SystemResolver(.init(nameServers: nameServers, timeout: .seconds(dnsTimeout)))
    defer { system.shutdown() }
    return try await body(CachingResolver(system))
  }
}
