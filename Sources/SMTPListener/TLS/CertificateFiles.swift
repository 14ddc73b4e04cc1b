/// The files of a TLS certificate and its key.
public struct CertificateFiles: Hashable, Sendable {
  /// The path of a PEM file: the server's certificate first, then those that lead from it to a root, the root left out.
  public var chain: String
  /// The path of a PEM file with the certificate's private key, without a passphrase. May be the same file.
  public var privateKey: String
  /// The server names (RFC 6066 §3) that get this certificate; the first label may be `*`. `nil`, the default, for the
  /// DNS names in the certificate itself.
  public var names: [String]?

  /// These files.
  public init(chain: String, privateKey: String, names: [String]? = nil) {
    (self.chain, self.privateKey, self.names) = (chain, privateKey, names)
  }
}
