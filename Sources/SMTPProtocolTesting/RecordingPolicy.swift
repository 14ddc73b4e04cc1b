public import MailModel
public import SMTPProtocol
import Synchronization

/// A policy that accepts what it is not told to refuse, and remembers what it was asked.
public final class RecordingPolicy: SubmissionPolicy {
  /// What is to be refused, and with which words. Everything else is accepted.
  public struct Script: Sendable {
    /// Instead of a greeting.
    public var connection: SMTPReply?
    /// Mechanisms to offer; default `PLAIN` and `LOGIN`.
    public var mechanisms = ["PLAIN", "LOGIN"]
    /// What it claims to keep; default all.
    public var extensions = MailExtensions.all
    /// Passwords by username. Default: `username` with `password`.
    public var passwords = ["username": "password"]
    /// By the sender's text.
    public var senders: [String: SMTPReply] = [:]
    /// By the recipient's text.
    public var recipients: [String: SMTPReply] = [:]
    /// To DATA.
    public var message: SMTPReply?
    /// To the end of the content.
    public var content: SMTPReply?

    /// Refuses nothing.
    public init() {}
  }

  /// A message that was accepted.
  public struct Message: Sendable, Equatable {
    /// What was known of it at DATA.
    public var request: MessageRequest
    /// Its content.
    public var content: [UInt8]
  }

  /// What was recorded.
  public struct Record: Sendable {
    /// Messages that were finished, in their order; refused ones not.
    public var messages: [Message] = []
    /// Messages that were aborted.
    public var aborted = 0
    /// Sinks that neither ended nor were aborted yet.
    public var open = 0
  }

  private let script: Script
  private let state = Mutex(Record())

  /// A policy that plays `script`.
  public init(_ script: Script = Script()) { self.script = script }

  /// What was recorded so far.
  public var record: Record { state.withLock { $0 } }

  /// ``SubmissionPolicy``.
  public func connect(_ connection: ConnectionFacts) async -> ConnectionDecision<Session> {
    if let refusal = script.connection { return .refuse(refusal) }
    return .accept(Session(policy: self))
  }

  fileprivate func change(_ body: (inout Record) -> Void) { state.withLock { body(&$0) } }

  /// ``PolicySession``.
  public struct Session: PolicySession {
    let policy: RecordingPolicy

    /// ``PolicySession``.
    public func mechanisms(_ tls: TLSFacts) -> [String] { policy.script.mechanisms }
    /// ``PolicySession``.
    public var extensions: MailExtensions { policy.script.extensions }
    /// ``PolicySession``.
    public func authenticate(_ mechanism: String) async -> Exchange {
      Exchange(isPlain: mechanism == "PLAIN", passwords: policy.script.passwords)
    }
    /// ``PolicySession``.
    public func sender(_ sender: SenderRequest) async -> PolicyDecision {
      policy.script.senders["\(sender.reversePath)"].map { .refuse($0) } ?? .accept
    }
    /// ``PolicySession``.
    public func recipient(_ recipient: Recipient) async -> PolicyDecision {
      policy.script.recipients["\(recipient.path)"].map { .refuse($0) } ?? .accept
    }
    /// ``PolicySession``.
    public func beginMessage(_ message: MessageRequest) async -> MessageDecision<Sink> {
      if let refusal = policy.script.message { return .refuse(refusal) }
      policy.change { $0.open += 1 }
      return .accept(Sink(policy: policy, request: message))
    }
  }

  /// PLAIN and LOGIN in their simplest form.
  public final class Exchange: AuthenticationExchange {
    private let isPlain: Bool
    private let passwords: [String: String]
    private let username = Mutex<String?>(nil)

    init(isPlain: Bool, passwords: [String: String]) { (self.isPlain, self.passwords) = (isPlain, passwords) }

    /// ``AuthenticationExchange``.
    public func step(_ response: [UInt8]?) async -> AuthenticationStep {
      guard let response else { return .challenge(isPlain ? [] : Array("Username:".utf8)) }
      if isPlain {
        let parts = response.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return Self.refused }
        return check(String(decoding: parts[1], as: UTF8.self), String(decoding: parts[2], as: UTF8.self))
      }
      let text = String(decoding: response, as: UTF8.self)
      let earlier = username.withLock { name in
        defer { name = name ?? text }
        return name
      }
      guard let earlier else { return .challenge(Array("Password:".utf8)) }
      return check(earlier, text)
    }

    private func check(_ username: String, _ password: String) -> AuthenticationStep {
      passwords[username] == password ? .success(identity: username) : Self.refused
    }

    private static let refused = AuthenticationStep.failure(
      SMTPReply(535, EnhancedStatusCode("5.7.8"), "Authentication credentials invalid"))
  }

  /// Keeps the content.
  public final class Sink: MessageSink {
    private let policy: RecordingPolicy
    private let request: MessageRequest
    private let content = Mutex<[UInt8]>([])

    init(policy: RecordingPolicy, request: MessageRequest) { (self.policy, self.request) = (policy, request) }

    /// ``MessageSink``.
    public func write(_ octets: Span<UInt8>) -> Bool {
      content.withLock { content in for index in octets.indices { content.append(octets[index]) } }
      return true
    }
    /// ``MessageSink``.
    public func drained() async {}
    /// ``MessageSink``.
    public func finish() async -> SMTPReply {
      let message = Message(request: request, content: content.withLock { $0 })
      let count = policy.state.withLock { record in
        record.open -= 1
        if policy.script.content == nil { record.messages.append(message) }
        return record.messages.count
      }
      return policy.script.content ?? SMTPReply(250, EnhancedStatusCode("2.0.0"), "Ok: queued as \(count)")
    }
    /// ``MessageSink``.
    public func abort() {
      policy.change { record in
        record.open -= 1
        record.aborted += 1
      }
    }
  }
}
