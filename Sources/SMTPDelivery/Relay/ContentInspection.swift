import DeliveryQueue
import MailModel

extension MessageContent {
  /// Whether all of it is US-ASCII. Reads it up to the first octet that is not; not on the caller's event loop, since it may be
  /// long.
  @concurrent func isASCII() async throws -> Bool {
    var offset = 0
    while offset < count {
      let chunk = try await read(from: offset, limit: 65_536)
      guard !chunk.isEmpty else { throw QueueError(.damaged, "the content is shorter than it should be") }
      guard chunk.allSatisfy({ $0 < 0x80 }) else { return false }
      offset += chunk.count
    }
    return true
  }
}
