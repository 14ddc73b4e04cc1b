import LibCrypto
import MailModel

// The text is what the Password Hashing Competition's string format makes of these, so that digests of other software
// may be brought along: `$hmac-sha256$DIGEST`, `$scrypt$ln=14,r=8,p=1$SALT$KEY`, both octet strings in base64 without
// padding.
extension SecretVerifier {
  /// The most octets of such a text.
  public static let maximumEncodedOctets = 255

  /// The verifier as text, for storage. ``init(encoded:)`` reads it.
  public var encoded: String {
    switch kind {
    case .keyedDigest(let digest):
      "$hmac-sha256$\(base64(digest))"
    case .scrypt(let parameters, let salt, let key):
      "$scrypt$\(parameters.encoded)$\(base64(salt))$\(base64(key))"
    }
  }

  /// What ``encoded`` gives; `nil` for all else. In particular for a digest or a key that has not 32 octets, a salt
  /// that has not 16 to 64, and parameters that cost more than ``LibCrypto/ScryptParameters`` allows.
  public init?(encoded text: String) {
    guard text.utf8.count <= Self.maximumEncodedOctets else { return nil }
    let parts = text.split(separator: "$", omittingEmptySubsequences: false)
    guard parts.count >= 3, parts[0].isEmpty else { return nil }
    switch (parts[1], parts.count) {
    case ("hmac-sha256", 3):
      guard let digest = octets(parts[2]), digest.count == SHA256.digestCount else { return nil }
      self.init(.keyedDigest(digest))
    case ("scrypt", 5):
      guard let parameters = ScryptParameters(encoded: parts[2]),
        let salt = octets(parts[3]), (Self.saltCount...64).contains(salt.count),
        let key = octets(parts[4]), key.count == 32
      else { return nil }
      self.init(.scrypt(parameters, salt: salt, key: key))
    default: return nil
    }
  }
}

private func base64(_ octets: [UInt8]) -> String {
  var text: [UInt8] = []
  Base64.encodeUnpadded(octets.span, into: &text)
  return String(decoding: text, as: UTF8.self)
}

private func octets(_ base64: Substring) -> [UInt8]? {
  let text = Array(base64.utf8)
  return Base64.decodeUnpadded(text.span)
}

extension ScryptParameters {
  /// `ln=14,r=8,p=1`.
  var encoded: String { "ln=\(costExponent),r=\(blockSize),p=\(parallelization)" }

  /// What ``encoded`` gives, and nothing that merely means the same.
  init?(encoded text: Substring) {
    let names = ["ln=", "r=", "p="]
    let fields = text.split(separator: ",", omittingEmptySubsequences: false)
    guard fields.count == names.count else { return nil }
    let numbers = zip(fields, names).compactMap { field, name in
      field.hasPrefix(name) ? Int(field.dropFirst(name.count)) : nil
    }
    guard numbers.count == names.count else { return nil }
    self.init(costExponent: numbers[0], blockSize: numbers[1], parallelization: numbers[2])
    guard encoded == text else { return nil }
  }
}
