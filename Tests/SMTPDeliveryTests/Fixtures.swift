import DeliveryQueue
import Foundation
import MailModel
import SMTPDelivery
import SMTPProtocol
import Synchronization
import Testing

/// Content in memory.
struct OctetsContent: MessageContent {
  var octets: [UInt8]

  init(_ text: String) { octets = Array(text.utf8) }

  var count: Int { octets.count }
  func read(from offset: Int, limit: Int) async throws -> [UInt8] { Array(octets.dropFirst(offset).prefix(limit)) }
}

/// Lines without end, and a count of what was read of them.
final class EndlessContent: MessageContent {
  let count = 256 * 1024 * 1024
  private let asked = Atomic(0)
  private let largest = Atomic(0)

  var octetsRead: Int { asked.load(ordering: .relaxed) }
  var largestRead: Int { largest.load(ordering: .relaxed) }

  func read(from offset: Int, limit: Int) async throws -> [UInt8] {
    asked.add(limit, ordering: .relaxed)
    largest.max(limit, ordering: .relaxed)
    return Array(String(repeating: "0123456789abcd\r\n", count: limit / 16).utf8)
  }
}

/// Content that fails behind so many octets: with an error, or by giving nothing more.
struct BrokenContent: MessageContent {
  var good: Int
  var throwsError: Bool

  var count: Int { good + 10_000 }
  func read(from offset: Int, limit: Int) async throws -> [UInt8] {
    guard offset >= good else { return Array(repeating: UInt8(ascii: "x"), count: min(limit, good - offset)) }
    if throwsError { throw QueueError(.damaged, "bad sector") }
    return []
  }
}

extension Claim {
  static func test(
    to recipients: String..., from sender: String = "a@example.com", body: BodyType = .sevenBit,
    content: some MessageContent, id: QueueID? = nil
  ) throws -> Claim {
    Claim(
      id: id ?? QueueIDGenerator().next(at: Timestamp(milliseconds: 1_700_000_000_000)), token: Token(1), tenant: nil,
      reversePath: try #require(ReversePath(sender)), parameters: MessageParameters(bodyType: body),
      acceptedAt: Timestamp(milliseconds: 0),
      size: content.count,
      recipients: try recipients.enumerated().map {
        ClaimedRecipient(index: $0.offset, path: try #require(ForwardPath($0.element)), attempts: 0)
      })
  }
}

extension RelayConfiguration {
  static func test(
    _ relay: RelayEndpoint, _ security: ClientSecurity = .none, user: String? = nil, password: String = "secret",
    change: (inout RelayConfiguration) -> Void = { _ in }
  ) throws -> RelayConfiguration {
    var client = ClientConfiguration(helloName: try #require(DomainName("client.example")))
    client.security = security
    client.credentials = user.flatMap { ClientCredentials(username: $0, password: password) }
    var configuration = RelayConfiguration(relay: relay, client: client)
    // A machine that is busy must not end what a test looks for.
    configuration.idleTimeout = .seconds(300)
    change(&configuration)
    return configuration
  }
}

extension RelayTransport {
  /// One message from here to there.
  static func send(
    _ content: some MessageContent, to recipients: String..., body: BodyType = .sevenBit,
    by configuration: RelayConfiguration
  ) async throws -> DeliveryReport {
    var claim = try Claim.test(body: body, content: content)
    claim.recipients = try recipients.enumerated().map {
      ClaimedRecipient(index: $0.offset, path: try #require(ForwardPath($0.element)), attempts: 0)
    }
    return try await RelayTransport(configuration).deliver(claim, content: content)
  }

  /// One message more.
  func deliver(_ content: some MessageContent) async throws -> DeliveryReport {
    await deliver(try Claim.test(to: "b@example.org", content: content), content: content)
  }
}

extension DeliveryOutcome {
  var reply: DeliveryReply {
    switch self {
    case .delivered(let reply), .deferred(let reply), .failed(let reply): reply
    }
  }
  var isDeferred: Bool { if case .deferred = self { true } else { false } }
}

extension DeliveryReport {
  /// Whether nothing else came of it.
  var isDeferred: Bool { !outcomes.isEmpty && outcomes.allSatisfy { $0.isDeferred } }
}

/// A folder that is gone after the test.
struct TemporaryFolder: ~Copyable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("delivery-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
