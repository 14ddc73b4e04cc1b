import MailModel
import SMTPProtocol
import Synchronization

/// Counts what comes, and forgets it.
final class Discard: Sendable {
  private let octets = Atomic(0)
  private let messages = Atomic(0)

  /// Takes one message's content.
  func makeSink() -> Sink { Sink(discard: self) }

  struct Sink: MessageSink {
    fileprivate let discard: Discard

    func write(_ octets: Span<UInt8>) -> Bool {
      discard.octets.add(octets.count, ordering: .relaxed)
      return true
    }

    func drained() async {}

    func finish() async -> SMTPReply {
      discard.messages.add(1, ordering: .relaxed)
      return .accepted
    }

    func abort() {}
  }
}

extension Discard: CustomStringConvertible {
  var description: String {
    "\(messages.load(ordering: .relaxed)) messages, \(octets.load(ordering: .relaxed)) octets of content"
  }
}

extension SMTPReply {
  fileprivate static let accepted = SMTPReply(250, EnhancedStatusCode("2.0.0"), "Ok: discarded")
}
