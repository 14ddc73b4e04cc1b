/// Text of others on its way to a terminal: queued mail must not move a cursor, set a title or turn a line round.
enum TerminalText {
  /// The same, with `\u{…}` for what is no visible character; line feeds, which are ours, stay.
  static func of(_ text: String) -> String { escaping(text) { "\\u{\(String($0.value, radix: 16))}" } }

  /// Of a JSON text, which means the same afterwards: such characters stand within its strings alone.
  static func ofJSON(_ text: String) -> String {
    escaping(text) { scalar in
      String(scalar).utf16.map { "\\u" + String(0x1_0000 + Int($0), radix: 16).dropFirst() }.joined()
    }
  }

  private static func escaping(_ text: String, _ escape: (Unicode.Scalar) -> String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if scalar == "\n" || scalar.isVisible { result.append(scalar) } else { result += escape(scalar).unicodeScalars }
    }
    return String(result)
  }
}

extension Unicode.Scalar {
  /// No control, no direction mark, nothing that a terminal would act on.
  fileprivate var isVisible: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
    default: true
    }
  }
}

/// Prints what holds text of others.
func show(_ text: String, terminator: String = "\n") { print(TerminalText.of(text), terminator: terminator) }
