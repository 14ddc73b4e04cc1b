/// Makes passwords and usernames, from the system's secure generator; every character is as likely as every other.
public enum SecretGenerator {
  /// Letters and digits that no eye confuses.
  private static let passwordAlphabet = Array("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789")
  private static let usernameAlphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789")
  private static let digits = Array("0123456789")

  /// A password: 28 of 57 letters and digits, 163 bits.
  public static func password() -> GeneratedSecret { GeneratedSecret(text(28, of: passwordAlphabet)) }

  /// A username: 18 lower-case letters and digits, then two digits. No secret, but not to be guessed either.
  public static func username() -> String { text(18, of: usernameAlphabet) + text(2, of: digits) }

  private static func text(_ count: Int, of alphabet: [Character]) -> String {
    var generator = SystemRandomNumberGenerator()
    return String((0..<count).map { _ in alphabet[Int.random(in: alphabet.indices, using: &generator)] })
  }
}
