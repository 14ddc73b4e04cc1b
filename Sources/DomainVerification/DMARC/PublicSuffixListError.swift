/// Why a text is no public suffix list.
public struct PublicSuffixListError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of an error. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Base: String { case tooLarge, invalidRule, empty }
    private let base: Base

    /// The text is larger than ``PublicSuffixList/largestCount``.
    public static let tooLarge = Code(base: .tooLarge)
    /// A line is neither a comment nor a rule.
    public static let invalidRule = Code(base: .invalidRule)
    /// There is not a single rule in it: surely this is some other file.
    public static let empty = Code(base: .empty)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// The kind.
  public var code: Code
  /// What is wrong.
  public var message: String
  /// The line at fault, the first being 1; `nil` where it is none.
  public var line: Int?

  /// An error of these parts.
  public init(_ code: Code, _ message: String, line: Int? = nil) {
    (self.code, self.message, self.line) = (code, message, line)
  }

  /// Code, line and message.
  public var description: String { line.map { "\(code) in line \($0): \(message)" } ?? "\(code): \(message)" }
}
