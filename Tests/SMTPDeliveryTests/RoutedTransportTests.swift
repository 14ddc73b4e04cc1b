import DeliveryQueue
import MailModel
import SMTPDelivery
import Synchronization
import Testing

/// A transport that says what it is told to, and remembers what it got.
final class NamedTransport: DeliveryTransport {
  let name: String
  let extensions: MailExtensions
  /// By the part before the `@`.
  private let answers: [String: DeliveryOutcome]
  private let report: @Sendable (inout DeliveryReport) -> Void
  let got = Mutex<[[String]]>([])
  let shutdowns = Atomic(0)

  init(
    _ name: String, extensions: MailExtensions = .all, answers: [String: DeliveryOutcome] = [:],
    report: @escaping @Sendable (inout DeliveryReport) -> Void = { _ in }
  ) {
    (self.name, self.extensions, self.answers, self.report) = (name, extensions, answers, report)
  }

  func site(of destination: Mailbox.Host?) -> DeliverySite { DeliverySite(name) }

  func deliver(_ claim: Claim, content: any MessageContent) async -> DeliveryReport {
    #expect(claim.site == DeliverySite(name))
    got.withLock { $0.append(claim.recipients.map { "\($0.path)" }) }
    let outcomes = claim.recipients.map {
      answers[$0.path.local?.localPart ?? ""] ?? .delivered(DeliveryReply(code: 250, text: "250 by \(name)"))
    }
    var result = DeliveryReport(outcomes: outcomes)
    report(&result)
    return result
  }

  func shutdown() async { shutdowns.add(1, ordering: .relaxed) }
}

extension ForwardPath {
  /// `nil` for a postmaster without a domain.
  fileprivate var local: Mailbox? { if case .mailbox(let mailbox) = self { mailbox } else { nil } }
}

@Suite("Routes") struct RoutedTransportTests {
  private static let content = OctetsContent("Subject: x\r\n\r\n")

  private func pattern(_ text: String) throws -> RoutePattern { try #require(RoutePattern(text)) }

  // MARK: Which route

  @Test(arguments: [
    ("a@partner.example", "exact"), ("a@PARTNER.Example", "exact"), ("a@mail.partner.example", "below"),
    ("a@x.y.partner.example", "below"), ("a@deep.mail.partner.example", "deeper"),
    ("a@deeper.deep.mail.partner.example", "deepest"), ("a@one.deep.mail.partner.example", "one"),
    ("a@apartner.example", "default"), ("a@example", "default"), ("a@other.example", "default"),
    ("a@partner.example.org", "default"), ("a@www.only.below", "only"), ("a@only.below", "default"),
    ("a@[192.0.2.1]", "default"), ("a@[IPv6:2001:db8::1]", "default"), ("postmaster", "default"),
    ("a@top", "default"), ("a@sub.top", "top"),
  ])
  func theMostSpecificRouteCounts(recipient: String, expected: String) throws {
    let transport = RoutedTransport(
      routes: [
        try pattern("partner.example"): NamedTransport("exact"),
        try pattern("*.partner.example"): NamedTransport("below"),
        try pattern("*.mail.partner.example"): NamedTransport("deeper"),
        try pattern("*.deep.mail.partner.example"): NamedTransport("deepest"),
        try pattern("one.deep.mail.partner.example"): NamedTransport("one"),
        try pattern("*.only.below"): NamedTransport("only"), try pattern("*.top"): NamedTransport("top"),
      ], default: NamedTransport("default"))
    let path = try #require(ForwardPath(recipient))
    #expect(transport.site(of: path.local?.host) == DeliverySite(expected))
  }

  @Test(arguments: [
    ("example.com", "example.com"), ("EXAMPLE.com", "example.com"), ("*.Example.com", "*.example.com"),
    ("münchen.example", "xn--mnchen-3ya.example"), ("com", "com"), ("*.com", "*.com"),
  ])
  func aPattern(text: String, description: String) throws {
    #expect(try pattern(text).description == description)
    #expect(RoutePattern(description)?.description == description)
  }

  @Test(arguments: [
    "", "*", "*.", ".example.com", "*example.com", "*.*.example.com", "a.*.example.com", "[192.0.2.1]", "a b",
  ])
  func whatIsNoPattern(text: String) { #expect(RoutePattern(text) == nil) }

  // MARK: What they keep, and for how long

  @Test func whatAllKeepIsPromised() throws {
    let transport = RoutedTransport(
      routes: [
        try pattern("a.example"): NamedTransport("a", extensions: [.eightBitMIME, .deliveryStatusNotifications])
      ],
      default: NamedTransport("default", extensions: [.eightBitMIME, .smtpUTF8]))
    #expect(transport.extensions == .eightBitMIME)
    #expect(RoutedTransport(default: NamedTransport("default")).extensions == .all)
  }

  @Test func whoKeepsLessThanWasPromisedGetsNoRoute() throws {
    let transport = RoutedTransport(default: NamedTransport("default", extensions: [.eightBitMIME, .smtpUTF8]))
    let destination = Mailbox("x@a.example")?.host
    #expect {
      try transport.replaceRoutes(with: [
        try pattern("a.example"): NamedTransport("a", extensions: .eightBitMIME)
      ])
    } throws: { ($0 as? TransportError)?.code == .fewerExtensions }
    #expect(transport.site(of: destination) == DeliverySite("default"))
    try transport.replaceRoutes(with: [try pattern("a.example"): NamedTransport("a")])
    #expect(transport.site(of: destination) == DeliverySite("a"))
    #expect(transport.extensions == [.eightBitMIME, .smtpUTF8])
    try transport.replaceRoutes(with: [:])
    #expect(transport.site(of: destination) == DeliverySite("default"))
  }

  @Test func allAreShutDownOnce() async throws {
    let (shared, other, fallback) = (NamedTransport("shared"), NamedTransport("other"), NamedTransport("default"))
    let transport = RoutedTransport(
      routes: [
        try pattern("a.example"): shared, try pattern("*.a.example"): shared, try pattern("b.example"): other,
        try pattern("c.example"): fallback,
      ], default: fallback)
    await transport.shutdown()
    #expect([shared, other, fallback].map { $0.shutdowns.load(ordering: .relaxed) } == [1, 1, 1])
  }

  // MARK: Deliveries

  private func claim(_ recipients: [String], site: String) throws -> Claim {
    var claim = try Claim.test(content: Self.content)
    claim.recipients = try recipients.enumerated().map {
      ClaimedRecipient(index: $0.offset * 2, path: try #require(ForwardPath($0.element)), attempts: 0)
    }
    claim.site = DeliverySite(site)
    return claim
  }

  private func delivered(_ name: String) -> DeliveryOutcome {
    .delivered(DeliveryReply(code: 250, text: "250 by \(name)"))
  }

  @Test func aClaimGoesToItsTransportWhole() async throws {
    let (a, fallback) = (NamedTransport("a") { $0.hostProblem = "odd" }, NamedTransport("default"))
    let transport = RoutedTransport(
      routes: [try pattern("a.example"): a, try pattern("*.a.example"): a], default: fallback)
    let recipients = ["x@a.example", "y@b.a.example", "z@a.example"]
    let report = await transport.deliver(try claim(recipients, site: "a"), content: Self.content)
    #expect(report.outcomes == Array(repeating: delivered("a"), count: 3))
    #expect(report.condition == .working && report.hostProblem == "odd" && report.uncertain == [])
    #expect(a.got.withLock { $0 } == [recipients])
    #expect(fallback.got.withLock { $0 } == [])
  }

  @Test func aClaimWhoseRecipientsHaveSeveralTransportsIsSplitAndJoined() async throws {
    let later = DeliveryOutcome.deferred(DeliveryReply(problem: "lost"))
    let never = DeliveryOutcome.failed(DeliveryReply(code: 550, text: "550 no"))
    let a = NamedTransport("a", answers: ["second": later]) {
      ($0.uncertain, $0.hostProblem, $0.condition) = ([1], "A is odd", .busy("A has much to do"))
    }
    let fallback = NamedTransport("default", answers: ["fourth": never]) {
      ($0.uncertain, $0.hostProblem) = ([0], "the default is odd")
    }
    let transport = RoutedTransport(routes: [try pattern("a.example"): a], default: fallback)
    let recipients = ["first@b.example", "first@a.example", "postmaster", "second@a.example", "fourth@c.example"]
    let report = await transport.deliver(try claim(recipients, site: "a"), content: Self.content)
    #expect(report.outcomes == [delivered("default"), delivered("a"), delivered("default"), later, never])
    #expect(report.uncertain == [0, 3])
    #expect(report.hostProblem == "the default is odd; A is odd")
    // What the default's site is like, nobody has asked.
    #expect(report.condition == .busy("A has much to do"))
    #expect(a.got.withLock { $0 } == [["first@a.example", "second@a.example"]])
    #expect(fallback.got.withLock { $0 } == [["first@b.example", "postmaster", "fourth@c.example"]])
  }

  @Test func anAttemptElsewhereTellsNothingOfTheSiteThatIsWaitedFor() async throws {
    let transport = RoutedTransport(default: NamedTransport("default"))
    let report = await transport.deliver(try claim(["x@a.example"], site: "a"), content: Self.content)
    #expect(report.outcomes == [delivered("default")] && report.condition == .unknown)
  }

  @Test func anOutcomeThatIsMissingIsADeferral() async throws {
    let transport = RoutedTransport(default: NamedTransport("default") { $0.outcomes.removeLast() })
    let report = await transport.deliver(
      try claim(["x@a.example", "y@a.example"], site: "default"), content: Self.content)
    #expect(report.outcomes.count == 2 && report.outcomes[0] == delivered("default"))
    #expect(report.outcomes[1].isDeferred)
  }

  @Test func twoRelays() async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { one in
      try await ScriptedServer.run(ScriptedServer.polite()) { two in
        let transport = RoutedTransport(
          routes: [try pattern("*.example.org"): try RelayTransport(.test(two.endpoint))],
          default: try RelayTransport(.test(one.endpoint)))
        for recipient in ["x@example.org", "x@mail.example.org"] {
          let path = try #require(ForwardPath(recipient))
          var claim = try claim([recipient], site: "")
          claim.site = transport.site(of: path.local?.host)
          let report = await transport.deliver(claim, content: Self.content)
          #expect(report.condition == .working && !report.isDeferred)
        }
        #expect(one.record.commands.contains("RCPT TO:<x@example.org>"))
        #expect(two.record.commands.contains("RCPT TO:<x@mail.example.org>"))
        #expect(transport.site(of: nil) == DeliverySite("\(one.endpoint)"))
        await transport.shutdown()
        #expect(one.record.commands.last == "QUIT" && two.record.commands.last == "QUIT")
      }
    }
  }
}
