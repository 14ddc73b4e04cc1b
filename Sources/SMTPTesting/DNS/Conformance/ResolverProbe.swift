import MailDNS
import MailModel

/// Gathers what a check of ``DNSResolverConformance`` finds.
struct ResolverProbe: Sendable {
  private(set) var messages: [String] = []

  mutating func fail(_ message: String) { messages.append(message) }

  mutating func expect(_ isTrue: Bool, _ message: @autoclosure () -> String) {
    if !isTrue { fail(message()) }
  }

  /// A name below the zone's, by labels in front of it.
  func name(_ prefix: String) -> DNSName { DNSName("\(prefix).\(DNSResolverConformance.apex)") ?? .root }

  /// Asks for records of a name below the zone's, and expects these in any order: servers turn them.
  mutating func expectRecords(
    _ resolver: any DNSResolver, _ name: DNSName, _ type: DNSRecordType, _ expected: [DNSRecord],
    aliases: [DNSName] = []
  ) async {
    let question = DNSQuestion(name, type)
    let answer = await resolver.resolve(question)
    expectEqual(answer.records.map(\.description).sorted(), expected.map(\.description).sorted(), "\(question)")
    expect(Set(answer.records) == Set(expected), "\(question): the records are others than they look")
    expect(!expected.isEmpty && !answer.records.isEmpty, "\(question): \(answer.outcome)")
    expectEqual(answer.aliases, aliases, "\(question): the aliases")
  }

  mutating func expectOutcome(
    _ resolver: any DNSResolver, _ name: DNSName, _ type: DNSRecordType, _ expected: DNSAnswer.Outcome,
    aliases: [DNSName] = []
  ) async {
    let question = DNSQuestion(name, type)
    let answer = await resolver.resolve(question)
    expectEqual(answer.outcome, expected, "\(question)")
    expectEqual(answer.aliases, aliases, "\(question): the aliases")
  }

  mutating func expectEqual<Value: Equatable>(_ value: Value, _ expected: Value, _ what: @autoclosure () -> String) {
    expect(value == expected, "\(what()): expected \(expected), found \(value)")
  }

  mutating func expectTemporaryFailure(_ answer: DNSAnswer, _ what: String) {
    guard case .temporaryFailure = answer.outcome else { return fail("\(what): found \(answer.outcome)") }
  }

  /// Expects that an answer may be remembered, and for how long at most.
  mutating func expectTime(
    _ resolver: any DNSResolver, _ name: DNSName, _ type: DNSRecordType, atMost limit: Duration
  ) async {
    let question = DNSQuestion(name, type)
    let answer = await resolver.resolve(question)
    expect(answer.failure == nil, "\(question): \(answer.outcome)")
    expect(
      answer.timeToLive > .zero && answer.timeToLive <= limit,
      "\(question): expected a time to live of at most \(limit), found \(answer.timeToLive)")
  }

  /// IPv4 addresses.
  func addresses(_ texts: String...) -> [DNSRecord] { texts.compactMap { IPAddress($0) }.map { .address($0) } }
}
