import MailDNS
import SMTPTesting
import Testing

/// The resolvers here keep what a resolver promises.
@Suite(.timeLimit(.minutes(10))) struct ConformanceTests {
  private static func unanswered(_ question: DNSQuestion) -> ScriptedDNS {
    let dns = ScriptedDNS()
    dns.hold(question)
    return dns
  }

  @Test(arguments: DNSResolverConformance.Check.allCases)
  func scripted(_ check: DNSResolverConformance.Check) async {
    let conformance = DNSResolverConformance {
      try ScriptedDNS(zone: DNSResolverConformance.zone)
    } makeUnanswered: {
      Self.unanswered($0)
    }
    #expect(await conformance.run(check) == [])
  }

  @Test(arguments: DNSResolverConformance.Check.allCases)
  func caching(_ check: DNSResolverConformance.Check) async {
    let conformance = DNSResolverConformance {
      CachingResolver(try ScriptedDNS(zone: DNSResolverConformance.zone))
    } makeUnanswered: {
      CachingResolver(Self.unanswered($0))
    }
    #expect(await conformance.run(check) == [])
    #expect(await conformance.run(check) == [])
  }

  @Test(arguments: DNSResolverConformance.Check.allCases)
  func fresh(_ check: DNSResolverConformance.Check) async {
    let conformance = DNSResolverConformance {
      CachingResolver(try ScriptedDNS(zone: DNSResolverConformance.zone)).fresh
    } makeUnanswered: {
      CachingResolver(Self.unanswered($0)).fresh
    }
    #expect(await conformance.run(check) == [])
  }

  /// What a resolver can do wrong is found.
  @Test(arguments: BrokenResolver.Flaw.allCases)
  func findsTheFlaw(_ flaw: BrokenResolver.Flaw) async throws {
    let conformance = DNSResolverConformance {
      BrokenResolver(try ScriptedDNS(zone: DNSResolverConformance.zone), flaw)
    } makeUnanswered: {
      BrokenResolver(Self.unanswered($0), flaw)
    }
    #expect(await conformance.run(flaw.check) != [])
  }

  @Test func aResolverThatCannotBeMadeFails() async {
    struct Broken: Error {}
    let conformance = DNSResolverConformance { throw Broken() }
    let failures = await conformance.run()
    #expect(failures.count == DNSResolverConformance.Check.allCases.count - 1)
  }
}

/// A resolver that breaks one promise.
struct BrokenResolver: DNSResolver {
  enum Flaw: CaseIterable {
    case joinsStrings, knowsNoEmptyNames, confusesNothing, dropsAliases, forgetsTime, livesForever, ignoresNegativeTime
    case losesRecords, remembersCancellation, confusesTypes, endsCirclesWithNothing, answersWhenCancelled,
      mixesUpAnswers

    var check: DNSResolverConformance.Check {
      switch self {
      case .joinsStrings: .texts
      case .knowsNoEmptyNames, .confusesNothing: .nothing
      case .dropsAliases: .aliases
      case .forgetsTime, .livesForever: .timeToLive
      case .ignoresNegativeTime: .negativeTimeToLive
      case .losesRecords: .largeAnswers
      case .remembersCancellation: .cancellation
      case .confusesTypes: .addresses
      case .endsCirclesWithNothing: .aliasCircle
      case .answersWhenCancelled: .cancelledWait
      case .mixesUpAnswers: .manyAtOnce
      }
    }
  }
  private let dns: ScriptedDNS
  private let flaw: Flaw
  private let remembered = CachedFailure()

  init(_ dns: ScriptedDNS, _ flaw: Flaw) { (self.dns, self.flaw) = (dns, flaw) }

  func resolve(_ question: DNSQuestion) async -> DNSAnswer {
    var question = question
    switch flaw {
    case .confusesTypes where question.type == .aaaa: question.type = .a
    case .mixesUpAnswers where question.type == .aaaa: question.type = .a
    case .remembersCancellation where remembered.isSet: return DNSAnswer(.temporaryFailure("cancelled"))
    case .answersWhenCancelled where Task.isCancelled: return DNSAnswer(.noRecords)
    default: break
    }
    return spoiled(await dns.resolve(question))
  }

  private func spoiled(_ answer: DNSAnswer) -> DNSAnswer {
    var answer = answer
    switch (flaw, answer.outcome) {
    case (.joinsStrings, .records(let records)):
      answer.outcome = .records(
        records.map { if case .text(let text) = $0 { .text(DNSText(strings: [text.octets])) } else { $0 } })
    case (.knowsNoEmptyNames, .noRecords): answer.outcome = .noSuchName
    case (.confusesNothing, .noSuchName): answer.outcome = .noRecords
    case (.dropsAliases, _): answer.aliases = []
    case (.forgetsTime, _): answer.timeToLive = .zero
    case (.livesForever, _): answer.timeToLive = .seconds(3600)
    case (.ignoresNegativeTime, .noSuchName): answer.timeToLive = .seconds(300)
    case (.losesRecords, .records(let records)): answer.outcome = .records(Array(records.prefix(99)))
    case (.endsCirclesWithNothing, .malformed): answer.outcome = .noRecords
    case (.remembersCancellation, .temporaryFailure): remembered.set()
    case (.answersWhenCancelled, .temporaryFailure): answer.outcome = .noRecords
    default: break
    }
    return answer
  }
}
