/// A secret that was made here, of 160 random bits and more, and therefore needs no slow hash. Only
/// ``SecretGenerator`` makes one.
public struct GeneratedSecret: Sendable, CustomStringConvertible, CustomReflectable {
  /// The secret itself, to be shown once to whom it belongs.
  public let text: String

  init(_ text: String) { self.text = text }

  /// Does not tell the secret.
  public var description: String { "GeneratedSecret" }
  /// Does not show the secret.
  public var customMirror: Mirror { .concealing(self) }
}
