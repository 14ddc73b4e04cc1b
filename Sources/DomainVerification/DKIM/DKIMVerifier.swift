import LibCrypto
public import MailDNS
public import MailModel

/// How far a message may drive its verification.
public struct DKIMLimits: Hashable, Sendable {
  /// Signatures that are looked at, from the top: 10. RFC 6376 §6.1 leaves it to the verifier; each costs a question to the DNS and
  /// up to a hash of the whole body.
  public var signatures = 10
  /// Key records at one selector that are tried: 4. RFC 6376 §3.6.2.2 says that there is one, and calls the result undefined where
  /// there are more: here the signature passes if one of them verifies it, and a warning tells the domain.
  public var keyRecords = 4
  /// Key records that are tried for a message, over all its signatures: 16. With ``signatures`` and ``keyRecords`` alone it were 40,
  /// each an RSA operation that somebody else chose the size of: a millisecond with 8,192 bits and an exponent of 64. A signature
  /// whose records would be more than are left is not looked at.
  public var keyRecordsInAll = 16
  /// From the end of the body until every key must be there: 20 s. What has no key then is a ``DKIMResult/temperror``.
  public var duration: Duration = .seconds(20)
  /// How far the clock of whoever signs may be ahead of ours (`t=` in the future): 300 s.
  public var clockTolerance: Duration = .seconds(300)
  /// Octets of a header section: 262,144. Nothing is verified in a larger one.
  public var headerOctets = 262_144
  /// Fields of a header section: 1,000. Nothing is verified among more.
  public var headerFields = 1_000
  /// Octets of a DKIM-Signature field: 16,384, ten times what signing 50 fields by an RSA key of 4,096 bits takes.
  public var signatureOctets = 16_384

  /// The limits above.
  public init() {}
}

/// Verifies the DKIM signatures of messages (RFC 6376, RFC 8301, RFC 8463).
///
/// The order is the cheap before the dear, and what the message says before what others are asked: grammar, times, algorithm, body
/// hash, key, signature. So a message whose body was changed, or whose signature has no chance, asks the DNS nothing.
///
/// RSA keys of 1,024 to 8,192 bits are accepted: shorter ones can be broken (RFC 8301 §3.2), and what longer ones cost is chosen by
/// whoever publishes them.
public struct DKIMVerifier: Sendable {
  let resolver: any DNSResolver
  let limits: DKIMLimits
  let clock: any Clock<Duration>

  /// A verifier that asks `resolver` for keys, and times that by `clock`.
  public init(
    resolver: any DNSResolver, limits: DKIMLimits = DKIMLimits(), clock: any Clock<Duration> = ContinuousClock()
  ) {
    (self.resolver, self.limits, self.clock) = (resolver, limits, clock)
  }

  /// Begins with a message's header section; the body follows in pieces.
  ///
  /// - Parameter now: what the calendar says, for `t=` and `x=`.
  public func begin(_ header: HeaderSection, at now: Timestamp) -> DKIMVerification {
    DKIMVerification(self, header, at: now)
  }

  /// Verifies a message that is whole.
  public func verify(_ header: HeaderSection, body: [UInt8], at now: Timestamp) async -> DKIMEvaluation {
    var verification = begin(header, at: now)
    verification.update(body.span)
    return await verification.finish()
  }
}
