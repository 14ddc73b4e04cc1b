/// Why a message has no author domain.
@nonexhaustive public enum AuthorDomainProblem: Hashable, Sendable, CustomStringConvertible {
  /// There is no such field.
  case missing
  /// There are so many of them, where RFC 5322 §3.6 allows one.
  case repeated(Int)
  /// The header section ends at a line that is no field, behind which programs may read on.
  case cutHeader
  /// The field is longer than ``AuthorDomain/largestCount``.
  case tooLong
  /// The field breaks its grammar (RFC 5322 §3.4) at this octet behind the colon, the first being 1.
  case syntax(column: Int, reason: String)
  /// There is more than one address.
  case severalAddresses
  /// The address stands in a group (RFC 6854), which says nothing of who wrote.
  case group
  /// The address is a route (RFC 5322 §4.4, obsolete), in which programs find different domains.
  case route
  /// The address is at an address literal.
  case addressLiteral
  /// What stands behind the `@` is no domain name.
  case noDomain(String)

  /// What is wrong, in half a sentence.
  public var description: String {
    switch self {
    case .missing: "there is none"
    case .repeated(let count): "there are \(count) of them"
    case .cutHeader: "the header section ends at a line that is no field"
    case .tooLong: "it is over \(AuthorDomain.largestCount) octets"
    case .syntax(let column, let reason): "\(reason) at column \(column)"
    case .severalAddresses: "it holds more than one address"
    case .group: "it holds a group"
    case .route: "it holds a route"
    case .addressLiteral: "its address is at an address literal"
    case .noDomain(let text): "\(displayed(text.utf8)) is no domain name"
    }
  }

  /// The problem as a finding.
  public var finding: Finding {
    Finding(
      .headerFrom, .failure, of: "From", "The header field From names no single author: \(self).",
      nextStep: "Send messages with one From field that holds one address with a domain.")
  }
}
