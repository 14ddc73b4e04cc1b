import DeliveryQueue
import MailModel

/// A message that a customer sends, once: who tries again sends another letter, so that each can be told from its copies.
struct Letter: Sendable {
  /// Stands in its header section, by which it is known wherever it shows up.
  var number: Int
  /// The tenant whose user sends it, as the queue names it.
  var tenant: String
  var envelope: Envelope
  /// Octets of the body, at least.
  var size: Int

  /// What the customer sends: lines with and without leading dots, of lengths that follow from the number.
  var content: [UInt8] {
    var octets = Array(
      "\(Self.field): \(number)\r\nFrom: <\(envelope.reversePath)>\r\nSubject: Letter \(number)\r\n\r\n".utf8)
    let start = octets.count
    var line = number
    while octets.count - start < size {
      let length = min(line * 7 % 72, size)
      octets += repeatElement(UInt8(ascii: "."), count: line % 3)
      octets += repeatElement(UInt8(ascii: "a") + UInt8(line % 26), count: length)
      octets += [.carriageReturn, .lineFeed]
      line += 1
    }
    return octets
  }

  private static let field = "X-Letter"

  /// The number of the letter of which these octets are the content, whatever was put in front of it; `nil` for no letter.
  static func number(in content: some Sequence<UInt8>) -> Int? {
    for line in content.lazy.prefix(4096).split(separator: .lineFeed) {
      let text = String(decoding: line, as: UTF8.self)
      if text.hasPrefix("\(field): ") { return Int(text.dropFirst(field.utf8.count + 2).dropLast()) }
    }
    return nil
  }
}
