import ArgumentParser
import MailModel
import SMTPDelivery

/// Mail for some destinations goes to a host of their own.
struct Route {
  let pattern: RoutePattern
  let relay: RelayEndpoint

  /// `DOMAIN=HOST:PORT`.
  static func parse(_ text: String) throws -> Route {
    guard let sign = text.firstIndex(of: "=") else {
      throw ValidationError("'\(text)' is no route: DOMAIN=HOST:PORT, or *.DOMAIN=HOST:PORT for all that is below it.")
    }
    let (domain, relay) = (String(text[..<sign]), String(text[text.index(after: sign)...]))
    guard let pattern = RoutePattern(domain) else {
      throw ValidationError("'\(domain)' in '\(text)' is neither a domain nor *.DOMAIN.")
    }
    guard let endpoint = RelayEndpoint(relay) else {
      throw ValidationError("'\(relay)' in '\(text)' is not HOST:PORT.")
    }
    return Route(pattern: pattern, relay: endpoint)
  }
}
