import MailModel

/// Reads what a proxy sends before the client's first octet: the PROXY protocol's header, version 1 or 2
/// (haproxy's `doc/proxy-protocol.txt`, of which the sections are named here).
///
/// Show it all that has come, from the first octet on, and again with more behind it until that is no longer
/// ``Outcome/incomplete``. It keeps nothing in between. Only a connection from a peer that is known to be a proxy may
/// be shown to it, since everybody else could claim any address (§5).
public struct ProxyHeaderReader: Hashable, Sendable {
  /// Octets of a header of version 1, CRLF included; default 107, the most there can be (§2.1).
  public var lineLimit: Int
  /// Octets of a header of version 2 in all; default 4,096.
  public var blockLimit: Int

  /// A reader with these limits.
  public init(lineLimit: Int = 107, blockLimit: Int = 4_096) {
    (self.lineLimit, self.blockLimit) = (lineLimit, blockLimit)
  }

  /// What the octets so far are.
  public enum Outcome: Hashable, Sendable {
    /// The beginning of a header.
    case incomplete
    /// A header of `consumed` octets. What stands behind it is the client's.
    case header(ProxyFacts, consumed: Int)
    /// No header, whatever may follow: the connection is to be closed without a word.
    case malformed(Fault)
  }

  /// What is wrong with a header. More may come.
  @nonexhaustive public enum Fault: String, Hashable, Sendable {
    /// Neither version's first octets.
    case signature
    /// A version other than 2 in the binary form.
    case version
    /// A command other than LOCAL and PROXY.
    case command
    /// An address family or a transport protocol that there is not.
    case addressFamily
    /// An address that is none, or not in the form that this family asks for.
    case address
    /// A port that is none.
    case port
    /// A line that ends otherwise than by CRLF.
    case lineEnd
    /// More octets than the limit.
    case tooLong
    /// A block too short for its addresses, or a vector (TLV) whose length is not what its place or its type allow.
    case length
    /// A vector that may come once came twice.
    case repetition
    /// Text with a control character in it, or in another encoding than its own.
    case text
    /// A CRC32C that is not that of the header.
    case checksum
  }

  /// - Parameter input: all octets of the connection so far.
  /// - Returns: what they are, decided as early as can be: in version 1 at the octet or the field that is wrong, in
  ///   version 2 likewise up to the length, and what the length spans when it is whole.
  public func read(_ input: Span<UInt8>) -> Outcome {
    guard !input.isEmpty else { return .incomplete }
    do throws(Interruption) {
      switch input[0] {
      case ProxyLine.signature[0]: return try ProxyLine.read(input, limit: lineLimit)
      case ProxyBlock.signature[0]: return try ProxyBlock.read(input, limit: blockLimit)
      default: return .malformed(.signature)
      }
    } catch {
      switch error {
      case .incomplete: return .incomplete
      case .malformed(let fault): return .malformed(fault)
      }
    }
  }

  /// Why reading does not go on.
  enum Interruption: Error {
    case incomplete
    case malformed(Fault)
  }
}
