import MailModel

/// The endpoint of a virtual private cloud through which a client came, as a cloud's load balancer names it in a PROXY
/// header. The only fact that tells clients of two private networks apart where their addresses overlap.
public struct VPCEndpoint: Hashable, Sendable, CustomStringConvertible {
  /// Whose identifier it is. More may come.
  @nonexhaustive public enum Provider: String, Hashable, Sendable {
    /// Amazon Web Services: the VPC endpoint's ID, `vpce-08d2bf15fac5001c9` (type 0xEA, sub-type 0x01).
    case amazonWebServices
    /// Azure: the private endpoint's LINKID in decimal (type 0xEE, sub-type 0x01).
    case azure
    /// Google Cloud: the connection ID of Private Service Connect in decimal (type 0xE0).
    case googleCloud
  }

  /// Whose identifier it is.
  public let provider: Provider
  /// 1 to 255 octets of visible US-ASCII.
  public let identifier: String

  /// `nil` where the identifier is empty, over 255 octets, or holds more than visible US-ASCII.
  public init?(_ identifier: String, provider: Provider) {
    guard (1...255).contains(identifier.utf8.count), identifier.utf8.allSatisfy(\.isASCIIVisible) else { return nil }
    (self.provider, self.identifier) = (provider, identifier)
  }

  /// The identifier.
  public var description: String { identifier }
}
