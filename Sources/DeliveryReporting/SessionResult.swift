package import SMTPProtocol

/// What came of an attempt's sessions with one host, in their own words.
///
/// Every transport that speaks SMTP has this put into the words of the queue here, so that what one of them makes of a host's
/// answers, and what a simulation shows of it, is what the others do.
package enum SessionResult: Equatable, Sendable {
  /// The transaction is over.
  case finished([ClientOutcome])
  /// The session ended before; without outcomes where the transaction had not begun.
  case failed(ClientFailure, [ClientOutcome])
  /// There was no connection.
  case unreachable(Unreachable)

  /// What came of each recipient, of so many; `nil` where there was no connection.
  package func outcomes(of recipients: Int) -> [ClientOutcome]? {
    switch self {
    case .finished(let outcomes): outcomes
    case .failed(let failure, let outcomes):
      outcomes.isEmpty ? Array(repeating: .interrupted(failure), count: recipients) : outcomes
    case .unreachable: nil
    }
  }

  /// Which recipients belong into another transaction; `nil` where there are none, or the session is over.
  package var postponed: [Int]? {
    guard case .finished(let outcomes) = self else { return nil }
    let places = outcomes.indices.filter { if case .postponed = outcomes[$0] { true } else { false } }
    return places.isEmpty ? nil : places
  }

  /// This result for the recipients at `places`, and for the others what an earlier transaction brought.
  package func joined(to earlier: SessionResult, at places: [Int]) -> SessionResult {
    guard case .finished(var all) = earlier else { return self }
    guard let outcomes = outcomes(of: places.count) else { return earlier }
    for (place, outcome) in zip(places, outcomes) { all[place] = outcome }
    if case .failed(let failure, _) = self { return .failed(failure, all) }
    return .finished(all)
  }
}

/// Why there is no connection.
package struct Unreachable: Error, Equatable {
  /// For a person to read.
  package var reason: String
  /// Whether it is for us to mend, and tells nothing of the host: nobody wants the connection any more, or this machine
  /// has no room for it.
  package var isOurs: Bool

  package init(reason: String, isOurs: Bool = false) { (self.reason, self.isOurs) = (reason, isOurs) }

  package static let connectionEnded = Unreachable(reason: "the connection ended")
  package static let cancelled = Unreachable(reason: "the delivery was cancelled", isOurs: true)
}
