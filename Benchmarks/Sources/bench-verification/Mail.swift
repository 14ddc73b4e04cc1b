import DomainVerification
import LibCrypto
import MailDNS
import MailModel

/// A message, and the keys that sign it.
struct Mail {
  let header: HeaderSection
  let body: [UInt8]
  let rsa: SigningKey
  let ed25519: SigningKey
  let now = Timestamp(milliseconds: 1_800_000_000_000)
  private let pairs: [(selector: DKIMSelector, key: DKIMKeyPair)]
  private let signer: DKIMSigner

  init(size: Int) throws {
    let fields = """
      From: "A Sender" <sender@example.com>
      To: Somebody <somebody@example.net>, another@example.org
      Subject: A message of a usual length
      Date: Fri, 15 Jan 2027 08:00:00 +0000
      Message-ID: <1234567890@example.com>
      MIME-Version: 1.0
      Content-Type: text/plain; charset=utf-8
      Content-Transfer-Encoding: 8bit

      """
    header = HeaderSection(Array(fields.split(separator: "\n").map { $0 + "\r\n" }.joined().utf8))
    body = Body.text.octets(size)
    rsa = try SigningKey.generate(.rsa(bits: 2048))
    ed25519 = try SigningKey.generate(.ed25519)
    guard let first = DKIMSelector("rsa"), let second = DKIMSelector("ed"), let domain = DomainName("example.com")
    else {
      throw Unexpected("a selector is none")
    }
    pairs = [(first, try DKIMKeyPair(rsa)), (second, try DKIMKeyPair(ed25519))]
    signer = try DKIMSigner(domain: domain, keys: pairs.map { ($0.selector, $0.key as any DKIMSigningKey) })
  }

  /// The signatures' fields.
  func signed() async throws -> [UInt8] {
    var hash = try signer.begin()
    hash.update(body.span)
    return try await signer.sign(header, try hash.finish(), at: now)
  }

  /// Where the keys are published.
  func zone() throws -> Table {
    var table = Table()
    for pair in pairs {
      try table.publish("\(pair.selector)._domainkey.example.com", .txt, .text(DNSText("\(pair.key.keyRecord)")))
    }
    return table
  }
}

/// Bodies that canonicalisation finds easy and hard.
enum Body: String, CaseIterable, CustomStringConvertible {
  case text, base64, blanks

  var description: String { rawValue }

  func octets(_ count: Int) -> [UInt8] {
    let line =
      switch self {
      case .text: "The quick brown fox jumps over the lazy dog, and does so in lines of seventy.\r\n"
      case .base64: String(repeating: "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVph", count: 2) + "QUJD\r\n"
      case .blanks: "words  with   many\tblanks \t between them  and behind them   \r\n"
      }
    return Array(String(repeating: line, count: count / line.utf8.count + 1).utf8.prefix(count - 2)) + [13, 10]
  }
}

/// Records in memory, which answer at once.
struct Table: DNSResolver {
  private var records: [DNSQuestion: [DNSRecord]] = [:]

  mutating func publish(_ name: String, _ type: DNSRecordType, _ record: DNSRecord) throws {
    guard let name = DNSName(name) else { throw Unexpected("\(name) is no name") }
    records[DNSQuestion(name, type), default: []].append(record)
  }

  func resolve(_ question: DNSQuestion) async -> DNSAnswer {
    guard let found = records[question] else { return DNSAnswer(.noRecords, timeToLive: .seconds(3600)) }
    return DNSAnswer(.records(found), timeToLive: .seconds(3600))
  }

  /// What senders publish: own hosts, and the network of a service.
  static func example() throws -> Table {
    var table = Table()
    guard let host = DNSName("mx.example.com"), let address = IPAddress("192.0.2.10") else {
      throw Unexpected("an example is none")
    }
    try table.publish(
      "example.com", .txt,
      .text(DNSText("v=spf1 ip4:198.51.100.0/24 a mx include:_spf.example.net -all")))
    try table.publish("example.com", .txt, .text(DNSText("another-verification=0123456789abcdef")))
    try table.publish("example.com", .a, .address(address))
    try table.publish("example.com", .mx, .mailExchanger(preference: 10, host: host))
    try table.publish("mx.example.com", .a, .address(address))
    try table.publish(
      "_spf.example.net", .txt, .text(DNSText("v=spf1 ip4:192.0.2.64/26 ip6:2001:db8::/32 ip4:203.0.113.0/24 ~all")))
    try table.publish(
      "_dmarc.example.com", .txt, .text(DNSText("v=DMARC1; p=reject; adkim=s; rua=mailto:d@example.com")))
    return table
  }
}
