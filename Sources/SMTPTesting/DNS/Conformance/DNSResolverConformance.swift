public import MailDNS

/// What a ``MailDNS/DNSResolver`` promises, as checks that a host runs against its own.
///
/// The host serves ``zone`` under the name ``apex``, by any name server, and brings a resolver that asks it:
///
/// ```swift
/// let conformance = DNSResolverConformance { MyResolver(nameServer: server.endpoint) }
///
/// @Test(arguments: DNSResolverConformance.Check.allCases)
/// func conforms(_ check: DNSResolverConformance.Check) async {
///   #expect(await conformance.run(check) == [])
/// }
/// ```
public struct DNSResolverConformance: Sendable {
  /// One promise, or a few that belong together.
  @nonexhaustive public enum Check: String, CaseIterable, Sendable {
    /// A and AAAA, each by its own question.
    case addresses
    /// MX with preference and host, and the one that says that there is no mail.
    case mailExchangers
    /// Records of TXT in separate records, their strings apart, of any octets.
    case texts
    /// PTR.
    case pointers
    /// TLSA, data of any length.
    case certificates
    /// Aliases are followed and named in order, and can be asked for themselves.
    case aliases
    /// An alias to nothing says what is missing behind it.
    case aliasToNothing
    /// Aliases that go in a circle end, as a failure.
    case aliasCircle
    /// A name without records of a type is told from no such name, also where it has no records at all.
    case nothing
    /// A wildcard answers with the name that was asked for.
    case wildcard
    /// Records may be remembered for their TTL and no longer, behind an alias for the shorter one.
    case timeToLive
    /// That there is nothing may be remembered as the zone says (RFC 2308 §5).
    case negativeTimeToLive
    /// Case plays no part, neither in a zone nor in a question.
    case letterCase
    /// Labels of any octets, and the longest name there is.
    case unusualNames
    /// Answers that no datagram holds.
    case largeAnswers
    /// Many questions at once, each with its own answer.
    case manyAtOnce
    /// A cancelled task's question has an answer or a temporary failure, and does not spoil it for others.
    case cancellation
    /// Who waits for an answer that does not come leaves when it is cancelled. Checked only where the conformance was
    /// given a resolver that has no answer.
    case cancelledWait
  }

  /// A promise that was not kept.
  public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which.
    public var check: Check
    /// In what way.
    public var message: String
    /// Check and message.
    public var description: String { "\(check.rawValue): \(message)" }
  }

  private let makeResolver: @Sendable () async throws -> any DNSResolver
  private let makeUnanswered: (@Sendable (DNSQuestion) async throws -> any DNSResolver)?

  /// A conformance of the resolvers that a closure makes.
  ///
  /// - Parameters:
  ///   - makeResolver: gives a resolver that asks the server of ``zone``; called once for each check.
  ///   - makeUnanswered: gives a resolver that has no answer to a question for as long as the check runs, since nobody
  ///     replies; `nil` where that cannot be had.
  public init(
    makeResolver: @escaping @Sendable () async throws -> any DNSResolver,
    makeUnanswered: (@Sendable (DNSQuestion) async throws -> any DNSResolver)? = nil
  ) {
    (self.makeResolver, self.makeUnanswered) = (makeResolver, makeUnanswered)
  }

  /// Runs one check with a new resolver.
  ///
  /// - Returns: nothing where the resolver keeps its promise.
  public func run(_ check: Check) async -> [Failure] {
    var probe = ResolverProbe()
    do {
      if check == .cancelledWait {
        try await cancelledWait(&probe)
      } else {
        await run(check, on: try await makeResolver(), &probe)
      }
    } catch {
      probe.fail("threw \(error)")
    }
    return probe.messages.map { Failure(check: check, message: $0) }
  }

  /// Runs all checks, each with a new resolver.
  public func run() async -> [Failure] {
    var failures: [Failure] = []
    for check in Check.allCases { failures += await run(check) }
    return failures
  }

  private func run(_ check: Check, on resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    switch check {
    case .addresses: await addresses(resolver, &probe)
    case .mailExchangers: await mailExchangers(resolver, &probe)
    case .texts: await texts(resolver, &probe)
    case .pointers: await pointers(resolver, &probe)
    case .certificates: await certificates(resolver, &probe)
    case .aliases: await aliases(resolver, &probe)
    case .aliasToNothing: await aliasToNothing(resolver, &probe)
    case .aliasCircle: await aliasCircle(resolver, &probe)
    case .nothing: await nothing(resolver, &probe)
    case .wildcard: await wildcard(resolver, &probe)
    case .timeToLive: await timeToLive(resolver, &probe)
    case .negativeTimeToLive: await negativeTimeToLive(resolver, &probe)
    case .letterCase: await letterCase(resolver, &probe)
    case .unusualNames: await unusualNames(resolver, &probe)
    case .largeAnswers: await largeAnswers(resolver, &probe)
    case .manyAtOnce: await manyAtOnce(resolver, &probe)
    case .cancellation: await cancellation(resolver, &probe)
    case .cancelledWait: break
    }
  }

  private func cancelledWait(_ probe: inout ResolverProbe) async throws {
    guard let makeUnanswered else { return }
    let question = DNSQuestion(probe.name("host"), .a)
    let resolver = try await makeUnanswered(question)
    // Cancelled sooner and later: before it asks, and while it waits.
    for delay in 0..<20 {
      let answers = await withTaskGroup(of: DNSAnswer.self) { group in
        for _ in 0..<5 { group.addTask { await resolver.resolve(question) } }
        for _ in 0..<delay * delay { await Task.yield() }
        group.cancelAll()
        return await group.reduce(into: []) { $0.append($1) }
      }
      for answer in answers { probe.expectTemporaryFailure(answer, "a cancelled question that nobody answers") }
    }
  }
}
