/// Every limit of authentication, with its unit and where its default comes from.
public struct AuthenticationLimits: Hashable, Sendable {
  /// Octets of a username. RFC 4616 §2 has servers take 255 at least; default 255.
  public var usernameOctets = 255
  /// Octets of a password. RFC 4616 §2 has servers take 255 at least; default 1,024.
  public var passwordOctets = 1_024
  /// Slow verifications at once, each on a thread of its own and with the memory of its parameters (16 MiB by
  /// default); default 2.
  public var slowVerifications = 2
  /// Slow verifications that wait their turn beside those; more clients are told to come again. Default 1,024: half a
  /// minute at the worst, which clients wait, so that a platform's customers may all come at once.
  public var waitingSlowVerifications = 1_024

  /// The defaults.
  public init() {}
}
