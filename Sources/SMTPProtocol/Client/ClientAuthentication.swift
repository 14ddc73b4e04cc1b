import MailModel

/// A SASL exchange as the client leads it: the command, and one line for each 334 of the server's, base 64 all of them.
struct ClientAuthentication {
  /// Without CRLF.
  let command: [UInt8]
  /// The answers that are left, without CRLF.
  var responses: ArraySlice<[UInt8]>

  /// The better of the offered mechanisms; `nil` where none of ours is offered.
  init?(_ credentials: ClientCredentials, offered: ClientCapabilities.Mechanisms) {
    if offered.contains(.plain) {
      self = .plain(credentials)
    } else if offered.contains(.login) {
      self = .login(credentials)
    } else {
      return nil
    }
  }

  /// RFC 4616, with an initial response unless the command would grow beyond a command line's 512 octets
  /// (RFC 4954 §4).
  private static func plain(_ credentials: ClientCredentials) -> ClientAuthentication {
    let message = base64([0] + credentials.username + [0] + credentials.password)
    let command = Array("AUTH PLAIN".utf8)
    let whole = command + [.space] + message
    return whole.count + 2 <= 512
      ? ClientAuthentication(command: whole, responses: [])
      : ClientAuthentication(command: command, responses: [message])
  }

  /// User name and password, each when asked for.
  private static func login(_ credentials: ClientCredentials) -> ClientAuthentication {
    ClientAuthentication(
      command: Array("AUTH LOGIN".utf8), responses: [base64(credentials.username), base64(credentials.password)])
  }

  /// Says nothing: what stands for an exchange that cannot begin.
  static let impossible = ClientAuthentication(command: [], responses: [])

  private init(command: [UInt8], responses: ArraySlice<[UInt8]>) {
    (self.command, self.responses) = (command, responses)
  }

  private static func base64(_ octets: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    Base64.encode(octets.span, into: &text)
    return text
  }
}
