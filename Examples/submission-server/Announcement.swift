/// What the demo says once it listens.
struct Announcement: Encodable {
  let host: String
  let port: UInt16
  let tlsPort: UInt16
  let username: String
  let password: String?
  let domain: String
  let certificate: String
  let data: String

  func print(asJSON: Bool) throws {
    let text = asJSON ? try JSONLine.encode(self) : instructions
    Swift.print(text)
    try StandardOutput.flush()
  }

  private enum CodingKeys: CodingKey { case host, port, tlsPort, username, password, domain, certificate, data }

  /// By hand for the password's sake, which is null where it is not known.
  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(host, forKey: .host)
    try container.encode(port, forKey: .port)
    try container.encode(tlsPort, forKey: .tlsPort)
    try container.encode(username, forKey: .username)
    try container.encode(password, forKey: .password)
    try container.encode(domain, forKey: .domain)
    try container.encode(certificate, forKey: .certificate)
    try container.encode(data, forKey: .data)
  }

  private var instructions: String {
    let secret = password ?? "PASSWORD"
    // Where to send from this machine: a wildcard is no destination, and an IPv6 address needs brackets before a port.
    let reachable = host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "::1" : host
    let target = reachable.contains(":") ? "[\(reachable)]" : reachable
    let note = password == nil ? "  (as before; --password sets a new one)" : ""
    return """
      Listening on \(host):\(port) (STARTTLS) and \(host):\(tlsPort) (TLS from the first octet).
      Username  \(username)
      Password  \(password ?? "")\(note)
      Domain    \(domain)
      Data      \(data)

      Send with one of these:

        openssl s_client -quiet -starttls smtp -crlf -CAfile \(certificate) -connect \(target):\(port)

        swaks --server \(target):\(port) --tls --auth PLAIN --auth-user \(username) --auth-password '\(secret)' \\
          --from mailer@\(domain) --to recipient@example.org

        printf 'From: mailer@\(domain)\\nSubject: Hello\\n\\nHello\\n' | curl --ssl-reqd --cacert \(certificate) --crlf \\
          smtp://\(target):\(port) --user '\(username):\(secret)' \\
          --mail-from mailer@\(domain) --mail-rcpt recipient@example.org --upload-file -

      Then look: swift run submission-server status QUEUE-ID --data \(data)
      """
  }
}
