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
