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

  fileprivate func isSeen(as name: StaticString) -> Bool { equalsIgnoringCase(name) || isTaken(for: name) }
}

extension HeaderSection {
  /// How many fields of such a name some program may see, which is written in lower case: those that are fields of it, those
  /// that are taken for some, and lines of the name behind a CR or LF alone, which many programs end a line at.
  func countSeen(as name: StaticString) -> Int {
    (fields.map(\.name) + hiddenNames(in: octets.indices)).count { octets.span.extracting($0).isSeen(as: name) }
  }

  /// Whether such a line stands within a field.
  func hides(_ name: StaticString, in field: Field) -> Bool {
    hiddenNames(in: field.whole).contains { octets.span.extracting($0).isSeen(as: name) }
  }

  /// What stands before the colon of lines behind a CR or LF alone. A blank in front makes a line the fold of another.
  private func hiddenNames(in range: Range<Int>) -> [Range<Int>] {
    var names: [Range<Int>] = []
    var start: Int?
    for index in range {
      let next = index + 1 < range.upperBound ? octets[index + 1] : .lineFeed
      switch octets[index] {
      case .carriageReturn: start = next == .lineFeed ? nil : index + 1
      case .lineFeed: start = index > range.lowerBound && octets[index - 1] == .carriageReturn ? nil : index + 1
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
