/// RFC 5321 §4.2: every line of a reply is three digits, a hyphen or a blank, visible US-ASCII and blanks, and CRLF; all
/// lines of a reply bear the same code.
enum ReplyGrammar {
  /// How many replies there are. Traps where the octets are anything else than whole replies.
  static func count(_ octets: [UInt8]) -> Int {
    var replies = 0
    var code: ArraySlice<UInt8>?
    var start = 0
    while start < octets.count {
      guard let end = octets[start...].firstIndex(of: 0x0A) else { fatalError("a reply lacks its end") }
      require(end > start && octets[end - 1] == 0x0D, "a reply's line does not end in CRLF")
      let line = octets[start..<end - 1]
      require(line.count >= 4, "a reply's line is too short")
      require(line.count + 2 <= 512, "a reply's line is over 512 octets")
      require(line.allSatisfy { (0x20...0x7E).contains($0) }, "a reply holds more than visible US-ASCII")
      require(line.prefix(3).allSatisfy { (0x30...0x39).contains($0) }, "a reply has no code")
      require((0x32...0x35).contains(octets[start]), "a reply's code is none")
      require(code == nil || code == line.prefix(3), "a reply changes its code")
      switch octets[start + 3] {
      case UInt8(ascii: "-"): code = line.prefix(3)
      case UInt8(ascii: " "):
        code = nil
        replies += 1
      default: fatalError("a reply's code ends in neither blank nor hyphen")
      }
      start = end + 1
    }
    require(code == nil, "a reply lacks its last line")
    return replies
  }
}
