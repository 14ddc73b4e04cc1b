/// A message to send, of which there may be many that differ in a number.
struct Message: Sendable {
  private static let header = "From: sender@example.com\r\nTo: recipient1@example.org\r\nSubject: Benchmark\r\n"
  private static let numberField = "X-Benchmark-Number: "
  private static let digits = 9
  /// Of 72 octets.
  private static let line = String(repeating: "0123456789", count: 7) + "\r\n"
  /// How far behind its beginning a message's number stands at most, with what servers put before it.
  static let numberLimit = 4_096

  private let octets: [UInt8]
  /// Where the digits stand.
  private let number: Range<Int>?

  /// A header section and lines of text, so many octets in all, or a few more where that is less than the least.
  ///
  /// - Parameter isNumbered: whether each message bears a number.
  init(octets count: Int, isNumbered: Bool) {
    var content: [UInt8] = []
    if isNumbered {
      content += Array(Self.numberField.utf8)
      number = content.count..<(content.count + Self.digits)
      content += Array(repeating: UInt8(ascii: "0"), count: Self.digits) + [0x0D, 0x0A]
    } else {
      number = nil
    }
    content += Array(Self.header.utf8) + [0x0D, 0x0A]
    while content.count + Self.line.utf8.count <= count - 3 { content += Self.line.utf8 }
    content += Array(repeating: UInt8(ascii: "x"), count: max(0, count - 2 - content.count))
    octets = content + [0x0D, 0x0A]
  }

  /// The content of the message of this number.
  func content(_ value: Int) -> [UInt8] {
    guard let number else { return octets }
    var (content, rest) = (octets, value)
    for place in number.reversed() {
      content[place] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
    return content
  }

  /// The number of the message that begins so.
  static func number(in beginning: [UInt8]) -> Int? {
    guard let field = beginning.firstRange(of: Array(numberField.utf8)) else { return nil }
    return Int(String(decoding: beginning[field.upperBound...].prefix(digits), as: UTF8.self))
  }
}
