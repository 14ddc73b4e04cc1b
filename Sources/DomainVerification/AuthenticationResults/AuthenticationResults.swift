/// What a service found out about a message's origin: the header field Authentication-Results (RFC 8601).
///
/// Any text may be put in: what is written cannot leave its field, nor its place in it.
public struct AuthenticationResults: Hashable, Sendable {
  /// What one method found (RFC 8601 §2.2, `resinfo`).
  public struct MethodResult: Hashable, Sendable {
    /// The method: `spf`, `dkim`, `dmarc`, or another (§2.7). Lower case; methods are compared without case.
    public var method: String
    /// The version of the method; `nil` where it is not said, which means 1.
    public var methodVersion: Int?
    /// The word for what was found. Lower case.
    public var result: String
    /// What a comment behind the result says; `nil` where there is none.
    public var comment: String?
    /// Why, for a person; `nil` where it is not said.
    public var reason: String?
    /// What was looked at, in order.
    public var properties: [Property]

    /// A result of these parts.
    public init(
      _ method: String, _ result: String, comment: String? = nil, reason: String? = nil, properties: [Property] = []
    ) {
      (self.method, self.result) = (method.lowercased(), result.lowercased())
      (self.comment, self.reason, self.properties) = (comment, reason, properties)
    }

    /// The value of the first property of this kind and name, in lower case; `nil` where there is none.
    public subscript(kind: String, name: String) -> String? {
      properties.first { $0.kind == kind && $0.name == name }?.value
    }
  }

  /// One thing that was looked at: `header.from=example.com` (RFC 8601 §2.2, `propspec`).
  public struct Property: Hashable, Sendable {
    /// Where it stands: `smtp`, `header`, `body`, `policy`, or another (§2.3). Lower case.
    public var kind: String
    /// Which one: the name of a command or a header field, for example. Lower case.
    public var name: String
    /// What it says, without the quotes around it.
    public var value: String

    /// A property of these parts.
    public init(_ kind: String, _ name: String, _ value: String) {
      (self.kind, self.name, self.value) = (kind.lowercased(), name.lowercased(), value)
    }
  }

  /// Who says so, `authserv-id` (§2.5): the name of a host most often. Compared without case.
  public var authenticationService: String
  /// The version of the field; `nil` where it is not said, which means 1. Whoever meets another must not use the
  /// field (§2.2).
  public var version: Int?
  /// What was found, in order; empty for `none`.
  public var results: [MethodResult]

  /// A field of these parts.
  public init(_ authenticationService: String, version: Int? = nil, results: [MethodResult] = []) {
    (self.authenticationService, self.version, self.results) = (authenticationService, version, results)
  }
}
