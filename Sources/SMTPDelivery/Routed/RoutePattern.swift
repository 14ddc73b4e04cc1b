public import MailModel

/// Which destinations a route of a ``RoutedTransport`` is for.
public enum RoutePattern: Hashable, Sendable, CustomStringConvertible {
  /// One domain, without what is below it.
  case domain(DomainName)
  /// All that is below a domain, at any depth, without the domain itself.
  case subdomains(of: DomainName)

  /// `example.com` or `*.example.com`; `nil` where `text` is neither.
  public init?(_ text: String) {
    if text.hasPrefix("*.") {
      guard let domain = DomainName(String(text.dropFirst(2))) else { return nil }
      self = .subdomains(of: domain)
    } else {
      guard let domain = DomainName(text) else { return nil }
      self = .domain(domain)
    }
  }

  /// What ``init(_:)`` takes.
  public var description: String {
    switch self {
    case .domain(let domain): "\(domain)"
    case .subdomains(let domain): "*.\(domain)"
    }
  }
}
