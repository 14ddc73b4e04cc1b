/// What can be fuzzed: a function of octets that returns when all that must hold did hold, and traps otherwise.
public struct FuzzTarget: Sendable {
  /// By what name it is called; also its folder's in `Corpus` and `Failures`.
  public let name: String
  /// Octets beyond which an input shows nothing new.
  public let maximumLength: Int
  /// Looks at one input.
  public let check: @Sendable (UnsafeRawBufferPointer) -> Void

  init(_ name: String, maximumLength: Int, _ check: @escaping @Sendable (FuzzInput) -> Void) {
    (self.name, self.maximumLength) = (name, maximumLength)
    self.check = { check(FuzzInput($0)) }
  }

  /// All there are.
  public static let all = [
    command, server, data, chunks, client, pair, mailbox, proxy, spf, dkimSignature, dkimKey, dmarc,
    authenticationResults, dnsAnswer,
  ]
}

/// Ends the process where something that must hold does not.
func require(
  _ condition: @autoclosure () -> Bool, _ what: @autoclosure () -> String, file: StaticString = #file,
  line: UInt = #line
) {
  guard !condition() else { return }
  fatalError(what(), file: file, line: line)
}
