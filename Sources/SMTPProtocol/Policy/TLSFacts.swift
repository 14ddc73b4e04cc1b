/// What protects a connection.
public struct TLSFacts: Hashable, Sendable {
  /// `TLSv1.3`.
  public var version: String
  /// The cipher suite's name, where it is known.
  public var cipher: String?
  /// Octets that bind an exchange to this very connection (RFC 9266), where they are known.
  public var channelBinding: [UInt8]?

  /// These facts.
  public init(version: String, cipher: String? = nil, channelBinding: [UInt8]? = nil) {
    (self.version, self.cipher, self.channelBinding) = (version, cipher, channelBinding)
  }
}
