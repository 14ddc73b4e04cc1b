/// How header fields and body are written before they are hashed (RFC 6376 §3.4), as `c=` says it: `relaxed/simple`.
public struct DKIMCanonicalization: Hashable, Sendable, CaseIterable, CustomStringConvertible {
  /// How much a message may change on its way without a signature breaking.
  public enum Algorithm: String, Hashable, Sendable, CaseIterable {
    /// Almost nothing (RFC 6376 §3.4.1, §3.4.3).
    case simple
    /// Blanks, folds and the case of field names (RFC 6376 §3.4.2, §3.4.4).
    case relaxed
  }

  /// For header fields.
  public var header: Algorithm
  /// For the body.
  public var body: Algorithm

  /// These two.
  public init(header: Algorithm, body: Algorithm) { (self.header, self.body) = (header, body) }

  /// `simple/simple`: what a signature without `c=` has (RFC 6376 §3.5).
  public static let simple = DKIMCanonicalization(header: .simple, body: .simple)
  /// `relaxed/relaxed`: what survives most ways.
  public static let relaxed = DKIMCanonicalization(header: .relaxed, body: .relaxed)

  /// All four.
  public static let allCases = Algorithm.allCases.flatMap { header in
    Algorithm.allCases.map { DKIMCanonicalization(header: header, body: $0) }
  }

  /// What `c=` says; `simple` for a body that it does not name. `nil` for any other value.
  init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard let header = parts.first.flatMap(Algorithm.init(rawValue:)) else { return nil }
    guard parts.count > 1 else {
      self.init(header: header, body: .simple)
      return
    }
    guard let body = Algorithm(rawValue: parts[1]) else { return nil }
    self.init(header: header, body: body)
  }

  /// As `c=` has it.
  public var description: String { "\(header.rawValue)/\(body.rawValue)" }
}
