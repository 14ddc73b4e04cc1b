/// A user name and its password, fit for SASL PLAIN (RFC 4616) and LOGIN. No description shows them.
public struct ClientCredentials: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  let username: [UInt8]
  let password: [UInt8]

  /// `nil` where one of the two is empty, is over 4,096 octets of UTF-8, or holds a NUL.
  public init?(username: String, password: String) {
    let parts = [Array(username.utf8), Array(password.utf8)]
    guard parts.allSatisfy({ (1...4_096).contains($0.count) && !$0.contains(0) }) else { return nil }
    (self.username, self.password) = (parts[0], parts[1])
  }

  /// Nothing of what it holds.
  public var description: String { "ClientCredentials(…)" }
  /// Nothing of what it holds.
  public var debugDescription: String { description }
  /// Nothing of what it holds.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
