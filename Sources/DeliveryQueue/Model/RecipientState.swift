/// Where one recipient of a queued message stands. The last five are final: no recipient ever leaves them.
public enum RecipientState: String, Hashable, Sendable, CaseIterable {
  /// Accepted; no attempt has been made yet.
  case queued
  /// An attempt failed; another will follow.
  case deferred
  /// The next host took the responsibility.
  case delivered
  /// The next host refused for good.
  case bounced
  /// Its time ran out before any attempt succeeded.
  case expired
  /// Not tried, since mail to this recipient is suppressed.
  case suppressed
  /// Taken out of the queue by an operator.
  case removed

  /// Whether nothing more will happen.
  public var isFinal: Bool {
    switch self {
    case .queued, .deferred: false
    case .delivered, .bounced, .expired, .suppressed, .removed: true
    }
  }
}

/// What came of an attempt in words: the next host's reply, or what went wrong before there was one.
public struct DeliveryReply: Hashable, Sendable, CustomStringConvertible {
  /// The next host's reply code; `nil` where no reply came.
  public let code: UInt16?
  /// The whole of it, codes included, on one line: at most 1,000 characters without controls.
  public let text: String

  /// The next host's reply.
  ///
  /// - Parameter text: everything from the code on; the lines of a longer reply joined by blanks. What is no visible
  ///   character becomes `?`, what is over 1,000 characters is cut.
  public init(code: UInt16, text: String) { (self.code, self.text) = (code, Self.legal(text)) }

  /// What went wrong before there was a reply, made fit to show like a reply.
  public init(problem: String) { (code, text) = (nil, Self.legal(problem)) }

  /// The text.
  public var description: String { text }

  private static func legal(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(1000) {
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
