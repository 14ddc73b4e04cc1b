extension Mirror {
  /// A mirror in which nothing is seen, so that `dump` and reflecting loggers write no secrets.
  static func concealing<Subject>(_ subject: Subject) -> Mirror {
    Mirror(subject, children: [:], displayStyle: .struct)
  }
}
