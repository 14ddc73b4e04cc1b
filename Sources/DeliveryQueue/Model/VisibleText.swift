/// Text of others, made fit to be shown and stored.
enum VisibleText {
  /// The first `limit` characters (Unicode scalars), with `?` for what is no visible one.
  static func of(_ text: String, limit: Int) -> String {
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
