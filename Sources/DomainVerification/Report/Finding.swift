/// One thing that a check found: for a program to switch over, and for a person to read.
public struct Finding: Hashable, Sendable, CustomStringConvertible {
  /// What kind of thing. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The code as JSON and logs have it: `no-record`.
    public let description: String

    /// A code of a name, for whoever adds checks of his own: lower case, words joined by hyphens.
    public init(_ description: String) { self.description = description }

    // MARK: Records

    /// There is no such record.
    public static let noRecord = Code("no-record")
    /// There are several records where one may be.
    public static let severalRecords = Code("several-records")
    /// A record breaks its grammar; the message names the column.
    public static let syntax = Code("syntax")

    // MARK: The DNS

    /// The name does not exist.
    public static let nameNotFound = Code("name-not-found")
    /// The name exists, and has no address.
    public static let noAddress = Code("no-address")
    /// The DNS does not answer; nothing can be said yet.
    public static let dnsFailure = Code("dns-failure")

    // MARK: Limits of ours

    /// What is checked is larger than this library looks at.
    public static let limit = Code("limit")
    /// This machine failed: memory, libcrypto.
    public static let internalFailure = Code("internal-failure")

    // MARK: SPF

    /// What should be checked is no domain name.
    public static let invalidDomain = Code("invalid-domain")

    /// More terms that cost a lookup than RFC 7208 §4.6.4 allows.
    public static let tooManyLookups = Code("too-many-lookups")
    /// More lookups that found nothing than RFC 7208 §4.6.4 allows.
    public static let tooManyVoidLookups = Code("too-many-void-lookups")
    /// More hosts behind one `mx` or `ptr` than RFC 7208 §4.6.4 allows.
    public static let tooManyHosts = Code("too-many-hosts")
    /// `include` or `redirect` comes back to where it came from.
    public static let loop = Code("loop")
    /// The record does not authorise the address.
    public static let notAuthorized = Code("not-authorized")
    /// The record says nothing of the address: `neutral`.
    public static let noStatement = Code("no-statement")
    /// `+all`: the whole internet is authorised.
    public static let authorizesEverybody = Code("authorizes-everybody")
    /// More addresses are authorised than one sender has.
    public static let wideNetwork = Code("wide-network")
    /// Nobody is authorised.
    public static let authorizesNobody = Code("authorizes-nobody")
    /// A record with neither `all` nor `redirect`: it ends with `neutral`.
    public static let noDefault = Code("no-default")
    /// A term behind `all`, which is never looked at (RFC 7208 §5.1).
    public static let unreachableTerm = Code("unreachable-term")
    /// A `redirect` beside `all`, which is ignored (RFC 7208 §6.1).
    public static let redirectIgnored = Code("redirect-ignored")
    /// `ptr`, which RFC 7208 §5.5 tells nobody to use.
    public static let pointerMechanism = Code("ptr-mechanism")

    // MARK: DKIM

    /// No key is published at the selector.
    public static let keyMissing = Code("key-missing")
    /// The key published is another than ours.
    public static let keyDiffers = Code("key-differs")
    /// The key was revoked: an empty `p=`.
    public static let keyRevoked = Code("key-revoked")
    /// The key is shorter than RFC 8301 §3.2 allows.
    public static let keyTooShort = Code("key-too-short")
    /// The key is longer than is verified with, since that costs too much.
    public static let keyTooLong = Code("key-too-long")
    /// The key record is in testing mode (`t=y`).
    public static let keyInTesting = Code("key-in-testing")
    /// The key record does not allow the use: `h=`, `k=`, `s=` or `t=s`.
    public static let keyNotUsable = Code("key-not-usable")
    /// The message has no signature.
    public static let noSignature = Code("no-signature")
    /// The body is not the one that was signed.
    public static let bodyChanged = Code("body-changed")
    /// The header fields are not those that were signed, or the signature is by another key.
    public static let signatureMismatch = Code("signature-mismatch")
    /// The signature's time is over, or still to come.
    public static let signatureTime = Code("signature-time")
    /// The signature is of an algorithm that is no longer accepted (RFC 8301 §3.1) or unknown.
    public static let algorithm = Code("algorithm")
    /// A part of the body is not signed (`l=`).
    public static let bodyPartlySigned = Code("body-partly-signed")
    /// More signatures than are looked at.
    public static let tooManySignatures = Code("too-many-signatures")

    // MARK: DMARC

    /// Neither SPF nor DKIM speaks for the domain of the header From.
    public static let notAligned = Code("not-aligned")
    /// The policy asks for nothing (`p=none`).
    public static let policyNone = Code("policy-none")
    /// Subdomains have a weaker policy than the domain (`sp=`, `np=`).
    public static let weakSubdomainPolicy = Code("weak-subdomain-policy")
    /// The policy is not wholly applied (`t=y`, `pct=`).
    public static let policyInTesting = Code("policy-in-testing")
    /// The header From is missing, stands twice, or names no domain.
    public static let headerFrom = Code("header-from")
  }

  /// What a finding does to a check.
  public enum Severity: String, Hashable, Sendable {
    /// The check fails by it.
    case failure
    /// The check cannot be decided by it; later it may be.
    case undecided
    /// The check passes, and somebody should look.
    case warning
    /// Good to know.
    case note
  }

  /// What kind of thing.
  public var code: Code
  /// What it does to the check.
  public var severity: Severity
  /// Where it was found: a DNS name and type, a header field.
  public var subject: String
  /// What was found, in a sentence, with the evidence in it.
  public var message: String
  /// What to do about it, in a sentence.
  public var nextStep: String

  /// A finding of these parts.
  public init(_ code: Code, _ severity: Severity, of subject: String, _ message: String, nextStep: String) {
    (self.code, self.severity, self.subject) = (code, severity, subject)
    (self.message, self.nextStep) = (message, nextStep)
  }

  /// Everything, on one line.
  public var description: String { "\(severity.rawValue) \(code) at \(subject): \(message) \(nextStep)" }
}
