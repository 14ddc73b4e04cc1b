import LibCrypto
import Testing

struct SigningKeyTests {
  @Test(arguments: [SigningKey.Kind.rsa(bits: 1_024), .rsa(bits: 2_048), .ed25519, .p256])
  func roundTrips(kind: SigningKey.Kind) throws {
    let key = try SigningKey.generate(kind)
    let pem = try key.pem()
    #expect(String(decoding: pem, as: UTF8.self).hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
    let read = try SigningKey(pem: pem.span)
    #expect(read.kind == kind)
    #expect(try read.pem() == pem)
    #expect(try SigningKey.generate(kind).pem() != pem)
  }

  @Test(arguments: [-1, 0, 512, 1_023, 8_193, .max])
  func refusesRSASizes(bits: Int) {
    let error = #expect(throws: CryptoError.self) { try SigningKey.generate(.rsa(bits: bits)) }
    #expect(error?.code == .unsupportedKey)
  }

  /// RFC 8410 §10.3.
  @Test func readsAStandardKey() throws {
    let pem = try SigningKey(pem: Self.edwards).pem()
    #expect(pem == Array(Self.edwards.utf8))
  }

  /// The form before PKCS#8, which `openssl ecparam -genkey` still writes (RFC 5915).
  @Test func readsAnOlderForm() throws {
    let text = """
      -----BEGIN EC PRIVATE KEY-----
      MHcCAQEEINH84U+QY0U3MFdgCsENRk3XRriEbRQ7QxQrgH6ASOWnoAoGCCqGSM49
      AwEHoUQDQgAEJzMcbKT/JsdAM0p+g8ROKifrjEoHN1LjCMn3mLd7eFyQh3xVfyX0
      OAWGj5RH1U5le9XP8nIAvIG3frA5cgmS7w==
      -----END EC PRIVATE KEY-----

      """
    let key = try SigningKey(pem: text)
    #expect(key.kind == .p256)
  }

  static let unreadable = [
    "", "\n", "no PEM at all", "-----BEGIN PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\n\u{0}\u{1}\u{2}\n-----END PRIVATE KEY-----\n",
    // A public key.
    """
    -----BEGIN PUBLIC KEY-----
    MCowBQYDK2VwAyEAqAZNwbs2vwdK+LQdUgC/Wy0eyAjIARsnWb5XZ2dXF9U=
    -----END PUBLIC KEY-----

    """,
    // Under a passphrase, which nobody is asked for.
    """
    -----BEGIN ENCRYPTED PRIVATE KEY-----
    MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgSJqYhnFHjMwICCAAw
    DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEGI6ppYhlQA/wqdyo8IRla8EQF/X
    XetGq78yS3Rw6fmWZ/a9+KHzyTiek98T0fEqzJ5Dt+k+ifAKoSDdSkeHykCHV0Ol
    iUWuv+2CuaTskFv2/ew=
    -----END ENCRYPTED PRIVATE KEY-----

    """,
  ]

  @Test(arguments: unreadable)
  func refusesWhatIsNoKey(text: String) {
    let error = #expect(throws: CryptoError.self) { try SigningKey(pem: text) }
    #expect(error?.code == .unreadableKey)
  }

  static let unsupported = [
    // X25519, which agrees on keys and cannot sign.
    """
    -----BEGIN PRIVATE KEY-----
    MC4CAQAwBQYDK2VuBCIEIECQdhe+U3f+ZOD0ti4cYcqbFfoXZC64a12zq2FAt0df
    -----END PRIVATE KEY-----

    """,
    // P-384.
    """
    -----BEGIN PRIVATE KEY-----
    MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDA4a1Fu9CeyBrB7GOnW
    3j37nPNKBrsBPpnl7CulfVp+JxbMa0jhYPtIAdGwp7bcySqhZANiAATvmYbFEN1O
    JpuCpcKPoCSgluRL7O7Mb7xKf4v4RTSCAYN3uxfk18LczLrwFLL1bNQ7YelWyhzC
    KAayuJWRxFKX6jhNKyHWNm7gsHBQS3z2dE89LSxfnewhKBzlj19RSdI=
    -----END PRIVATE KEY-----

    """,
    // RSA of 512 bits.
    """
    -----BEGIN PRIVATE KEY-----
    MIIBUwIBADANBgkqhkiG9w0BAQEFAASCAT0wggE5AgEAAkEArGF5B6q3GOUaATc2
    l1PJ5phVcgPpu0ec5Vy2yCAmK7fARkpqau9ZY/UGqt7tFfvf4kV5TYPCRlBMeF2y
    SG90lwIDAQABAkAx5Xz9BSM+p4Ihe/PnVa+JeeqxuAQ923rEwVN/Fh82Y93CJ14z
    x4UQ2MvQj47AujmVXNsEJhd87xZPJmQ0DKxxAiEA5ZKq6PDwxm6qqIe4wiw6qecT
    K/z+eGJlEPhq6SxjENMCIQDAOWWwPBVJyIr/83B0DVdhAkMOw+NMtd2/ZYrv1ZDS
    rQIgAnEJ4kpVtTaOGBbBb0c7JH1xpcEeD7e0LXcG5A31y8MCICB2kRHeU8oOMEth
    lZBD4Inlk+Wed3ixDi4QvBIdA0RRAiAwlgOMivVEYDmoFZBtFy6q0q/cAieCUlxZ
    ZftcGs56bg==
    -----END PRIVATE KEY-----

    """,
  ]

  @Test(arguments: unsupported)
  func refusesOtherKinds(text: String) {
    let error = #expect(throws: CryptoError.self) { try SigningKey(pem: text) }
    #expect(error?.code == .unsupportedKey)
  }

  @Test(arguments: [(65_536, true), (65_537, false)])
  func boundsThePEM(count: Int, isRead: Bool) {
    let pem = [UInt8](repeating: UInt8(ascii: "\n"), count: count - Self.edwards.utf8.count) + Array(Self.edwards.utf8)
    let key = try? SigningKey(pem: pem.span)
    #expect((key != nil) == isRead)
  }

  /// A passphrase would be read from the terminal, and a reason left in the queue blamed on the next operation.
  @Test func leavesNoErrorBehind() throws {
    #expect(throws: CryptoError.self) { try SigningKey(pem: Self.unreadable[7]) }
    let error = #expect(throws: CryptoError.self) { try SigningKey(pem: String(repeating: "\n", count: 65_537)) }
    #expect(error?.reason == nil)
  }

  static let edwards = """
    -----BEGIN PRIVATE KEY-----
    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
    -----END PRIVATE KEY-----

    """
}

extension SigningKey {
  fileprivate convenience init(pem: String) throws {
    let octets = Array(pem.utf8)
    try self.init(pem: octets.span)
  }
}
