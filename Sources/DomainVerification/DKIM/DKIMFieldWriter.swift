/// Writes a DKIM-Signature field, folded so that its lines have at most 78 octets (RFC 5322 §2.1.1) where a value can be folded.
struct DKIMFieldWriter {
  static let name = "DKIM-Signature"
  private static let lineLimit = 78

  /// What is written, without a CRLF at the end.
  private(set) var octets = Array("\(name):".utf8)
  private var column = name.utf8.count + 1

  /// Tags, each behind a blank or a fold.
  mutating func write(_ tags: String...) {
    for tag in tags { write(tag, behindBlank: true) }
  }

  /// A tag whose value is a list by colons, which may be folded behind each.
  mutating func write(list: [String], of tag: String) {
    for (index, item) in list.enumerated() {
      let text = item + (index == list.count - 1 ? ";" : ":")
      write(index == 0 ? tag + text : text, behindBlank: index == 0)
    }
  }

  /// Base 64, which may be folded anywhere.
  mutating func write(base64: String) {
    var rest = Array(base64.utf8)[...]
    while !rest.isEmpty {
      if column >= Self.lineLimit { fold() }
      let line = rest.prefix(Self.lineLimit - column)
      octets += line
      column += line.count
      rest = rest.dropFirst(line.count)
    }
  }

  private mutating func write(_ text: String, behindBlank: Bool) {
    let count = text.utf8.count + (behindBlank ? 1 : 0)
    if column + count > Self.lineLimit {
      fold()
    } else if behindBlank {
      octets.append(0x20)
      column += 1
    }
    octets += text.utf8
    column += text.utf8.count
  }

  private mutating func fold() {
    octets += "\r\n\t".utf8
    column = 1
  }
}
