/// Asks the DNS.
///
/// A resolver follows aliases itself, and keeps within limits of its own: the size of an answer, the length of a chain
/// of aliases. It is asked by many tasks at once.
public protocol DNSResolver: Sendable {
  /// The records that a question asks for, or what became of it; an error is an outcome too.
  ///
  /// The caller owns the deadline: whoever is tired of waiting cancels the task, upon which this returns at once, a
  /// ``DNSAnswer/Outcome/temporaryFailure(_:)`` where there is no answer yet. Without that it returns in bounded time
  /// too.
  func resolve(_ question: DNSQuestion) async -> DNSAnswer
}
