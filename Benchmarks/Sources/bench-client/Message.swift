/// A message to send.
enum Message {
  private static let header = "From: sender@example.com\r\nTo: recipient1@example.org\r\nSubject: Benchmark\r\n\r\n"
  /// Of 72 octets.
  private static let line = String(repeating: "0123456789", count: 7) + "\r\n"

  /// A header section and lines of text, so many octets in all, or a few more where that is less than the least.
  static func content(octets: Int) -> [UInt8] {
    var content = Array(header.utf8)
    while content.count + line.utf8.count <= octets - 3 { content += line.utf8 }
    content += Array(repeating: UInt8(ascii: "x"), count: max(0, octets - 2 - content.count))
    return content + [0x0D, 0x0A]
  }
}
