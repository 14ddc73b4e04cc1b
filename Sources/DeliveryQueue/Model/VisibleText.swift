/// Text of others, made fit to be shown and stored.
package enum VisibleText {
  /// The first `limit` characters (Unicode scalars), with `?` for what is no visible one.
  package static func of(_ text: String, limit: Int) -> String {
    // Most is, and to ask for every scalar's category takes microseconds.
    if text.utf8.count <= limit, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(limit) {
      result.append(scalar.properties.isSafeToShow ? scalar : "?")
    }
    return String(result)
  }
}

extension Unicode.Scalar.Properties {
  /// No control, no direction mark, nothing that a terminal or a page would act on.
  fileprivate var isSafeToShow: Bool {
    switch generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
    default: true
    }
  }
}
