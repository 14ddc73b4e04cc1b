public import MailDNS

/// Why an evaluation ended with `none`, `permerror` or `temperror`.
public struct SPFProblem: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kinds.
  @nonexhaustive public enum Kind: String, Hashable, Sendable {
    /// What should be checked is no domain: a label is empty or too long, there is but one, it is an address literal.
    case invalidDomain = "invalid-domain"
    /// The domain does not exist.
    case nameNotFound = "name-not-found"
    /// The domain has no SPF record.
    case noRecord = "no-record"
    /// The domain has more than one.
    case severalRecords = "several-records"
    /// A record breaks the grammar.
    case syntax
    /// More terms that ask the DNS than are allowed.
    case tooManyLookups = "too-many-lookups"
    /// More questions that found nothing than are allowed.
    case tooManyVoidLookups = "too-many-void-lookups"
    /// More hosts behind an `mx` than are allowed.
    case tooManyHosts = "too-many-hosts"
    /// `include` and `redirect` come back to a domain from which they came.
    case loop
    /// The DNS does not answer, or not sensibly.
    case dnsFailure = "dns-failure"
    /// The evaluation lasted too long, or was cancelled.
    case timeout
  }

  /// What kind.
  public var kind: Kind
  /// The domain whose record it is about; `nil` where there is none yet.
  public var domain: DNSName?
  /// That record; `nil` where it is about none.
  public var record: String?
  /// Where in that record, from 1; `nil` where it is about no place in it.
  public var column: Int?
  /// What is wrong, in a sentence.
  public var message: String

  /// `example.com, column 8: …`
  public var description: String {
    let place = [domain?.description, column.map { "column \($0)" }].compactMap(\.self).joined(separator: ", ")
    return place.isEmpty ? message : "\(place): \(message)"
  }

  /// What it makes of an evaluation where it is not about the domain that is checked itself.
  var result: SPFResult {
    switch kind {
    case .dnsFailure, .timeout: .temperror
    default: .permerror
    }
  }
}
