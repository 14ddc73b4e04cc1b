/// Writes header fields. What is written cannot break out of its field: control characters never get in.
public struct HeaderFieldWriter: Sendable {
  /// Every field written so far, each with its CRLF.
  public private(set) var octets: [UInt8] = []

  /// A writer with nothing written.
  public init() {}

  /// Writes one field, folded before a part that would take a line over 78 octets (RFC 5322 §2.1.1).
  ///
  /// - Parameters:
  ///   - name: visible US-ASCII without a colon.
  ///   - parts: joined by one blank, or by a fold. Control characters in them become `?`.
  public mutating func write(_ name: StaticString, _ parts: [String]) {
    var lineLength = name.utf8CodeUnitCount + 1
    octets.append(contentsOf: "\(name):".utf8)
    for part in parts {
      let text = part.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }
      if lineLength + 1 + text.count > 78, lineLength > name.utf8CodeUnitCount + 1 {
        octets.append(contentsOf: "\r\n\t".utf8)
        lineLength = 1 + text.count
      } else {
        octets.append(.space)
        lineLength += 1 + text.count
      }
      octets.append(contentsOf: text)
    }
    octets.append(contentsOf: "\r\n".utf8)
  }
}
