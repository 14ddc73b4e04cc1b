/// Where one recipient of a queued message stands. The last five are final: no recipient ever leaves them.
public enum RecipientState: String, Hashable, Sendable, CaseIterable {
  /// Accepted; no attempt has been made yet.
  case queued
  /// An attempt failed; another will follow.
  case deferred
  /// An operator wants no attempt until a release.
  case held
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
    case .queued, .deferred, .held: false
    case .delivered, .bounced, .expired, .suppressed, .removed: true
    }
  }

  /// Whether an attempt will follow by itself.
  package var isDue: Bool { self == .queued || self == .deferred }
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
  public init(code: UInt16, text: String) { (self.code, self.text) = (code, VisibleText.of(text, limit: 1000)) }

  /// What went wrong before there was a reply, made fit to show like a reply.
  public init(problem: String) { (code, text) = (nil, VisibleText.of(problem, limit: 1000)) }

  /// The text.
  public var description: String { text }
}
