import MailModel

extension Span<UInt8> {
  /// Whether some program may take this for the name of such a field, though it is none by RFC 5322 §2.2: blanks, folds,
  /// controls or what is beyond US-ASCII stand before or within it. The name is written in lower case.
  func isTaken(for name: StaticString) -> Bool {
    guard count > name.utf8CodeUnitCount else { return false }
    var visible: [UInt8] = []
    for index in indices where self[index].isASCIIVisible { visible.append(self[index]) }
    return visible.span.equalsIgnoringCase(name)
  }
}

extension HeaderSection {
  /// How many fields of such a name some program may see, which is written in lower case: those that are fields of it, those
  /// that are taken for some, and lines of the name behind a CR or LF alone, which many programs end a line at.
  func countSeen(as name: StaticString) -> Int {
    let names = fields.map(\.name) + hiddenNames
    return names.count { range in
      let found = octets.span.extracting(range)
      return found.equalsIgnoringCase(name) || found.isTaken(for: name)
    }
  }

  /// What stands before the colon of lines behind a CR or LF alone. A blank in front makes a line the fold of another.
  private var hiddenNames: [Range<Int>] {
    var names: [Range<Int>] = []
    var start: Int?
    for (index, octet) in octets.enumerated() {
      let next = index + 1 < octets.count ? octets[index + 1] : .lineFeed
      switch octet {
      case .carriageReturn: start = next == .lineFeed ? nil : index + 1
      case .lineFeed: start = index > 0 && octets[index - 1] == .carriageReturn ? nil : index + 1
      case .space where start == index, .tab where start == index: start = nil
      case UInt8(ascii: ":"):
        if let start { names.append(start..<index) }
        start = nil
      default: break
      }
    }
    return names
  }
}
