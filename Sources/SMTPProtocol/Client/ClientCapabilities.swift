import MailModel

/// What a server offers in its reply to EHLO (RFC 5321 §4.1.1.1), as far as we use it.
struct ClientCapabilities: Equatable {
  /// RFC 2920.
  var pipelining = false
  /// RFC 3207.
  var startTLS = false
  /// RFC 6152.
  var eightBitMIME = false
  /// RFC 1870.
  var size = false
  /// The SASL mechanisms of RFC 4954, in upper case.
  var mechanisms: Set<String> = []

  /// Nothing: the reply to HELO.
  init() {}

  /// What the lines behind the first one say.
  init(_ reply: SMTPReply) {
    for line in reply.lines.dropFirst() {
      let words = line.split(separator: " ").map { $0.uppercased() }
      switch words.first {
      case "PIPELINING": pipelining = true
      case "STARTTLS": startTLS = true
      case "8BITMIME": eightBitMIME = true
      case "SIZE": size = true
      case "AUTH": mechanisms.formUnion(words.dropFirst())
      default: break
      }
    }
  }
}
