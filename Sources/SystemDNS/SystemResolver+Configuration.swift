public import MailModel

extension SystemResolver {
  /// Whom to ask, for how long, and how much at once. What is out of bounds is brought within.
  public struct Configuration: Hashable, Sendable {
    /// Where to ask, in this order; none by default, which means the name servers of `/etc/resolv.conf`, looked up anew for each
    /// question. At most three, as libresolv has it (`MAXNS`); what is beyond is left out.
    ///
    /// They must be resolvers, which find the answer for whoever asks. Of a server that is authoritative only its own zones can be
    /// asked for.
    public var nameServers: [NameServer] { didSet { nameServers = Array(nameServers.prefix(Self.mostNameServers)) } }

    /// How long one try waits for one name server: 2 s by default, 1 to 30 s, in whole seconds (rounded up). Of `options timeout`
    /// and `attempts` in `/etc/resolv.conf` nothing is taken, since a question holds a thread for that long.
    public var timeout: Duration

    /// How often each name server is tried over UDP: twice by default, 1 to 5 times.
    public var tries: Int { didSet { tries = tries.clamped(to: 1...5) } }

    /// Most questions that are under way at once, each on a thread of its own: 32 by default, 1 to 200.
    public var threads: Int { didSet { threads = threads.clamped(to: 1...200) } }

    /// Most questions that wait in line for a thread: 1,024 by default, 0 to 65,536. Beyond them a question fails at once.
    public var waitingQuestions: Int { didSet { waitingQuestions = waitingQuestions.clamped(to: 0...65_536) } }

    /// Most octets of an answer: 65,535 by default, as many as the DNS can carry (RFC 1035 §4.2.2); 512 at least. A larger one is
    /// malformed.
    public var largestAnswer: Int { didSet { largestAnswer = largestAnswer.clamped(to: 512...65_535) } }

    /// Most aliases in a row that are followed: 8 by default, 0 to 32. More are malformed.
    public var aliasLimit: Int { didSet { aliasLimit = aliasLimit.clamped(to: 0...32) } }

    /// When the AD bit of an answer counts: ``AuthenticationTrust/automatic`` by default.
    public var trust: AuthenticationTrust

    /// A configuration of these parts.
    public init(
      nameServers: [NameServer] = [], timeout: Duration = .seconds(2), tries: Int = 2, threads: Int = 32,
      waitingQuestions: Int = 1_024, largestAnswer: Int = 65_535, aliasLimit: Int = 8,
      trust: AuthenticationTrust = .automatic
    ) {
      self.nameServers = Array(nameServers.prefix(Self.mostNameServers))
      self.timeout = timeout
      self.tries = tries.clamped(to: 1...5)
      self.threads = threads.clamped(to: 1...200)
      self.waitingQuestions = waitingQuestions.clamped(to: 0...65_536)
      self.largestAnswer = largestAnswer.clamped(to: 512...65_535)
      self.aliasLimit = aliasLimit.clamped(to: 0...32)
      self.trust = trust
    }

    static let mostNameServers = 3

    /// libresolv counts whole seconds.
    var timeoutSeconds: Int {
      let (seconds, attoseconds) = timeout.components
      return Int((seconds.clamped(to: 0...30) + (attoseconds > 0 ? 1 : 0)).clamped(to: 1...30))
    }

    /// How long one exchange with the name servers may last: each try over UDP, and once over TCP.
    var longestExchange: Duration {
      .seconds(timeoutSeconds * (tries + 1) * (nameServers.isEmpty ? Self.mostNameServers : nameServers.count))
    }
  }

  /// When to believe a resolver that says it has checked an answer with DNSSEC, by the AD bit (RFC 4035 §3.2.3, RFC 6840 §5.8).
  /// Whoever can forge packets between us and the resolver can forge that bit.
  @nonexhaustive public enum AuthenticationTrust: Hashable, Sendable {
    /// Where every name server is on loopback, and where `/etc/resolv.conf`, if its name servers are used, has the option
    /// `trust-ad`.
    case automatic
    /// Never: no answer is authenticated.
    case never
    /// Always: the way to the name servers is safe by other means.
    case always
  }

  /// Where a name server listens.
  public struct NameServer: Hashable, Sendable, LosslessStringConvertible {
    /// Its address. Addresses that need a zone, `fe80::1%eth0` for example, cannot be used.
    public var address: IPAddress
    /// Its port, for UDP and TCP.
    public var port: UInt16

    /// An address, and port 53 by default.
    public init(_ address: IPAddress, port: UInt16 = 53) { (self.address, self.port) = (address, port) }

    /// `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`. The port is 53 unless it is given, and never 0.
    public init?(_ description: String) {
      if let address = IPAddress(description) {
        self.init(address)
        return
      }
      guard let colon = description.lastIndex(of: ":") else { return nil }
      var host = description[..<colon]
      let digits = description[description.index(after: colon)...]
      if host.hasPrefix("[") {
        guard host.hasSuffix("]"), host.contains(":") else { return nil }
        host = host.dropFirst().dropLast()
      } else if host.contains(":") {
        return nil
      }
      guard digits.utf8.allSatisfy(\.isASCIIDigit), let port = UInt16(digits), port > 0,
        let address = IPAddress(String(host))
      else { return nil }
      self.init(address, port: port)
    }

    /// With the port: `192.0.2.1:53`, `[2001:db8::1]:53`.
    public var description: String {
      switch address {
      case .v4: "\(address):\(port)"
      case .v6: "[\(address)]:\(port)"
      }
    }
  }
}

extension Comparable {
  fileprivate func clamped(to range: ClosedRange<Self>) -> Self { min(max(self, range.lowerBound), range.upperBound) }
}
