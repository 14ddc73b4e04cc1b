import DeliveryQueue
import MailModel
import SMTPProtocol

extension MessageContent {
  /// How much of it is US-ASCII. Reads it up to the first octet that is not.
  func asciiPart() async throws -> ClientTransaction.ASCIIPart {
    var extent = ASCIIExtent()
    var offset = 0
    while offset < count {
      let chunk = try await read(from: offset, limit: 65_536)
      guard !chunk.isEmpty else { throw QueueError(.damaged, "the content is shorter than it should be") }
      if let part = extent.take(chunk.span) { return part }
      offset += chunk.count
    }
    return .everything
  }
}

/// How far a content is US-ASCII, chunk by chunk.
private struct ASCIIExtent {
  private static let emptyLine: [UInt8] = [.carriageReturn, .lineFeed, .carriageReturn, .lineFeed]
  /// Octets seen of what ends the header section. A content begins as if behind the end of a line.
  private var matched = 2

  /// What of the content is US-ASCII; `nil` as long as everything is.
  mutating func take(_ octets: Span<UInt8>) -> ClientTransaction.ASCIIPart? {
    for index in octets.indices {
      let octet = octets[index]
      if octet >= 0x80 { return matched == Self.emptyLine.count ? .headers : .unknown }
      guard matched < Self.emptyLine.count else { continue }
      matched = octet == Self.emptyLine[matched] ? matched + 1 : octet == .carriageReturn ? 1 : 0
    }
    return nil
  }
}
