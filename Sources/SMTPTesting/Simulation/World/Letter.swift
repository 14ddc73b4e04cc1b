import DeliveryQueue
import MailModel

/// A message that a customer sends, once: who tries again sends another letter, so that each can be told from its copies.
struct Letter: Sendable {
  /// Stands in its header section, by which it is known wherever it shows up.
  let number: Int
  /// The tenant whose user sends it, as the queue names it.
  let tenant: String
  let envelope: Envelope
  /// What the customer sends.
  let content: [UInt8]
  /// Where in the content the body begins.
  let bodyStart: Int

  /// - Parameter size: octets of the body, at least.
  init(number: Int, tenant: String, envelope: Envelope, size: Int) {
    (self.number, self.tenant, self.envelope) = (number, tenant, envelope)
    let header = Array(
      "\(Self.field): \(number)\r\nFrom: <\(envelope.reversePath)>\r\nSubject: Letter \(number)\r\n\r\n".utf8)
    content = header + Self.body(number, size: size)
    bodyStart = header.count
  }

  private static let field = "X-Letter"
  private static let letters = (0..<26).map { [UInt8](repeating: UInt8(ascii: "a") + $0, count: 72) }
  private static let dots = [UInt8](repeating: UInt8(ascii: "."), count: 2)

  /// Lines with and without leading dots, of lengths that follow from the number.
  private static func body(_ number: Int, size: Int) -> [UInt8] {
    var octets: [UInt8] = []
    var line = number
    while octets.count < size {
      octets += dots.prefix(line % 3)
      octets += letters[line % 26].prefix(line * 7 % 72)
      octets += [.carriageReturn, .lineFeed]
      line += 1
    }
    return octets
  }

  /// The number of the letter of which these octets are the content, whatever was put in front of it; `nil` for no letter.
  static func number(in content: [UInt8]) -> Int? {
    let pattern = Array("\n\(field): ".utf8)
    let end = min(content.count, 4096) - pattern.count
    var start = 0
    while start < end {
      if content[start] == pattern[0], content[start..<start + pattern.count].elementsEqual(pattern) {
        let digits = content[(start + pattern.count)...].prefix { $0 != .carriageReturn }
        return Int(String(decoding: digits, as: UTF8.self))
      }
      start += 1
    }
    return nil
  }
}
