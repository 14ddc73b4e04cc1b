public import DeliveryQueue
public import MailModel

/// A transport that keeps what it is given, and answers as a script says.
public final class RecordingTransport: DeliveryTransport {
  /// An attempt that has ended.
  public struct Attempt: Sendable {
    /// What was claimed.
    public var claim: Claim
    /// The whole content; `nil` where it could not be read.
    public var content: [UInt8]?
    /// What was answered.
    public var report: DeliveryReport
  }

  private struct Record: Sendable {
    var begun = 0
    var running = 0
    var mostAtOnce = 0
    var attempts: [Attempt] = []
  }

  /// What the test has it promise.
  public let extensions: MailExtensions
  private let sites: @Sendable (Mailbox.Host?) -> DeliverySite
  private let script: @Sendable (Claim) async -> DeliveryReport
  private let record = Watched(Record())

  /// A transport that delivers everything.
  ///
  /// - Parameters:
  ///   - extensions: what it promises; all by default.
  ///   - sites: as below.
  public convenience init(
    extensions: MailExtensions = .all, sites: @escaping @Sendable (Mailbox.Host?) -> DeliverySite = { _ in .recording }
  ) {
    self.init(extensions: extensions, sites: sites) { claim in
      DeliveryReport(outcomes: claim.recipients.map { _ in .delivered(DeliveryReply(code: 250, text: "250 2.0.0 Ok")) })
    }
  }

  /// A transport that answers each attempt as `script` says.
  ///
  /// - Parameters:
  ///   - extensions: what it promises; all by default.
  ///   - sites: to which site each destination belongs; by default all to one.
  ///   - script: may suspend, and should end soon when cancelled.
  public init(
    extensions: MailExtensions = .all, sites: @escaping @Sendable (Mailbox.Host?) -> DeliverySite = { _ in .recording },
    script: @escaping @Sendable (Claim) async -> DeliveryReport
  ) {
    (self.extensions, self.sites, self.script) = (extensions, sites, script)
  }

  /// As the test has it.
  public func site(of destination: Mailbox.Host?) -> DeliverySite { sites(destination) }

  /// Reads the content, asks the script, records both.
  public func deliver(_ claim: Claim, content: any MessageContent) async -> DeliveryReport {
    record.change { record in
      record.begun += 1
      record.running += 1
      record.mostAtOnce = max(record.mostAtOnce, record.running)
    }
    let octets = try? await content.readAll()
    let report: DeliveryReport
    if octets == nil {
      let reply = DeliveryReply(problem: "The content cannot be read")
      report = DeliveryReport(outcomes: claim.recipients.map { _ in .deferred(reply) })
    } else {
      report = await script(claim)
    }
    record.change { record in
      record.running -= 1
      record.attempts.append(Attempt(claim: claim, content: octets, report: report))
    }
    return report
  }

  /// The attempts that have ended, in that order.
  public var attempts: [Attempt] { record.value.attempts }

  /// How many attempts ran at once at most.
  public var mostAtOnce: Int { record.value.mostAtOnce }

  /// Returns when so many attempts have begun.
  public func begun(_ count: Int) async { await record.until { $0.begun >= count } }

  /// Returns the first `count` attempts when they have ended.
  public func ended(_ count: Int) async -> [Attempt] {
    await record.until { $0.attempts.count >= count }
    return Array(attempts.prefix(count))
  }
}

extension MessageContent {
  /// The whole of it, read in pieces of `limit` octets.
  func readAll(limit: Int = 65_536) async throws -> [UInt8] {
    var octets: [UInt8] = []
    while true {
      let piece = try await read(from: octets.count, limit: limit)
      guard !piece.isEmpty else { return octets }
      octets += piece
    }
  }
}

extension DeliverySite {
  /// The site of a ``RecordingTransport`` that knows no other.
  public static let recording = DeliverySite("recording")
}
