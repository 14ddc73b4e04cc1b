/// How much work one evaluation may make (RFC 7208 §4.6.4).
///
/// One evaluation never asks the DNS more than `1 + lookups · (1 + hosts)` times, 111 by default: for the domain's record, and for
/// each term its own question and one for each host behind it. Where all are spent, the explanation of a `fail` is left out.
///
/// What is out of bounds is brought within.
public struct SPFLimits: Hashable, Sendable {
  /// Terms that ask the DNS: `include`, `a`, `mx`, `ptr`, `exists`, `redirect`, and the macro `p` the first time. One more is a
  /// `permerror`. 10; 0 to 1,000.
  public var lookups = 10 { didSet { lookups = Self.lawful(lookups) } }
  /// Questions of these terms that find nothing. One more is a `permerror`. 2; 0 to 1,000.
  public var voidLookups = 2 { didSet { voidLookups = Self.lawful(voidLookups) } }
  /// Hosts behind one `mx`, where one more is a `permerror`, and behind one `ptr` or macro `p`, where those beyond are ignored. 10; 0
  /// to 1,000.
  public var hosts = 10 { didSet { hosts = Self.lawful(hosts) } }
  /// How long an evaluation may last; then it is a `temperror`. 20 seconds; no time at all where it is negative.
  public var duration: Duration = .seconds(20)
  /// Octets of the explanation of a `fail`, macros expanded; a longer one is left out. 1,000, as a reply that carries it must fit
  /// into a few lines of SMTP. This limit is ours.
  public var explanationSize = 1000

  /// The limits of RFC 7208.
  public init() {}

  private static func lawful(_ limit: Int) -> Int { min(max(limit, 0), 1000) }

  /// Questions to the DNS in all.
  var queries: Int { 1 + lookups * (1 + hosts) }
}
