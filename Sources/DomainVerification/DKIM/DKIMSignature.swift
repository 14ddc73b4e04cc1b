import MailDNS
import MailModel

/// What a DKIM-Signature field says (RFC 6376 §3.5), its grammar checked.
struct DKIMSignature {
  var signature: [UInt8]
  /// Where `b=` has its value in the field's, with the blanks round it: what the signature itself does not cover (RFC 6376 §3.7).
  var signatureRange: Range<Int>
  var bodyHash: [UInt8]
  var canonicalization: DKIMCanonicalization
  var domain: DomainName
  /// Where the key is (RFC 6376 §3.6.2.1).
  var keyName: DNSName
  var identityDomain: DomainName
  var algorithm: String
  var names: [String]
  var bodyLength: UInt64?
  /// Seconds since the epoch; what is larger than the type holds is its largest.
  var timestamp: UInt64?
  var expiration: UInt64?

  /// Reads a field, and notes in `evaluation` what can be told of it, whether or not it is one.
  init(_ tags: TagList, _ evaluation: inout DKIMSignatureEvaluation) throws(DKIMProblem) {
    evaluation.domain = tags["d"].flatMap { DomainName($0) }
    evaluation.selector = tags["s"]
    evaluation.algorithm = tags["a"]
    evaluation.signaturePrefix = tags.compact("b").map { String(decoding: $0.prefix(8), as: UTF8.self) }

    let version = try tags.required("v")
    guard version == "1" else { throw .unusable("v=\(quoted(version.utf8)) is an unknown version") }
    algorithm = try tags.required("a")
    domain = try Self.domain(tags)
    keyName = try Self.keyName(tags, domain)
    let identity = try Self.identity(tags, domain)
    identityDomain = identity.domain
    evaluation.identity = identity.text
    names = try Self.names(tags)
    evaluation.signedFields = names
    canonicalization = try Self.canonicalization(tags)
    signature = try tags.base64("b")
    signatureRange = tags.rangeWithBlanks(of: "b")
    bodyHash = try tags.base64("bh")
    bodyLength = try tags.number("l")
    evaluation.bodyLength = bodyLength
    timestamp = try tags.number("t")
    expiration = try tags.number("x")
    try checkMeaning(tags)
  }

  /// What the grammar lets through, and RFC 6376 does not.
  private func checkMeaning(_ tags: TagList) throws(DKIMProblem) {
    guard names.contains("from") else { throw .unusable("h= does not name From, which must be signed") }
    if let timestamp, let expiration, expiration <= timestamp {
      throw DKIMProblem(
        .permerror, .signatureTime, "x=\(expiration) is not later than t=\(timestamp).",
        nextStep: "Mend what signs the message: a signature ends after it was made.")
    }
    // Methods that are unknown are passed over (RFC 6376 §3.5).
    if let methods = tags.compact("q"),
      !methods.split(separator: UInt8(ascii: ":")).contains(where: { $0.elementsEqual("dns/txt".utf8) })
    {
      throw .unusable("q= names no way to the key but unknown ones")
    }
  }

  /// Whether the signature is of this time (RFC 6376 §3.5, `t=` and `x=`).
  func check(at now: Timestamp, tolerance: Duration) throws(DKIMProblem) {
    if let expiration, Self.seconds(now) > expiration {
      throw DKIMProblem(
        .policy, .signatureTime, "The signature expired: x=\(expiration) is over.",
        nextStep: "Find out what held the message up, or sign for longer.")
    }
    if let timestamp, timestamp > Self.seconds(now + tolerance) {
      throw DKIMProblem(
        .policy, .signatureTime, "The signature is from the future: t=\(timestamp).",
        nextStep: "Set the clock of what signs the message.")
    }
  }

  private static func seconds(_ instant: Timestamp) -> UInt64 { UInt64(clamping: instant.milliseconds / 1000) }

  /// The algorithm, if it is one of today's (RFC 8301 §3.1).
  func acceptedAlgorithm() throws(DKIMProblem) -> DKIMAlgorithm {
    if let accepted = DKIMAlgorithm(rawValue: algorithm) { return accepted }
    throw DKIMProblem(
      .permerror, .algorithm,
      algorithm == "rsa-sha1"
        ? "The signature is made with SHA-1, which proves nothing any more (RFC 8301)."
        : "a=\(quoted(algorithm.utf8)) is unknown.",
      nextStep: "Sign with rsa-sha256 or ed25519-sha256.")
  }

  /// At least two labels: `sub-domain 1*("." sub-domain)`.
  private static func domain(_ tags: TagList) throws(DKIMProblem) -> DomainName {
    let text = try tags.required("d")
    guard let domain = DomainName(text), domain.description.utf8.contains(UInt8(ascii: ".")) else {
      throw .syntax("d= is no domain name")
    }
    return domain
  }

  private static func keyName(_ tags: TagList, _ domain: DomainName) throws(DKIMProblem) -> DNSName {
    guard let name = DKIMSelector(try tags.required("s"))?.name(in: domain) else { throw .syntax("s= is no selector") }
    return name
  }

  /// `[ Local-part ] "@" domain-name` in quoted-printable; `@` and the domain by default.
  private static func identity(
    _ tags: TagList, _ domain: DomainName
  ) throws(DKIMProblem) -> (text: String, domain: DomainName) {
    guard let encoded = tags.compact("i") else { return ("@\(domain)", domain) }
    guard let octets = QuotedPrintable.decode(encoded), octets.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }),
      let at = octets.lastIndex(of: UInt8(ascii: "@")),
      let identityDomain = DomainName(String(decoding: octets[(at + 1)...], as: UTF8.self))
    else { throw .syntax("i= is no identity") }
    guard identityDomain.isWithin(domain) else {
      throw .unusable("the identity's domain \(identityDomain) (i=) is neither \(domain) (d=) nor below it")
    }
    return ("\(String(decoding: octets[..<at], as: UTF8.self))@\(identityDomain)", identityDomain)
  }

  private static func names(_ tags: TagList) throws(DKIMProblem) -> [String] {
    _ = try tags.required("h")
    let octets = tags.octets.span
    var names: [String] = []
    for range in tags.items(of: "h") ?? [] {
      guard !range.isEmpty, range.allSatisfy({ octets[$0].isASCIIVisible }) else {
        throw .syntax("h= is no list of field names")
      }
      names.append(octets.extracting(range).lowercasedText())
    }
    return names
  }

  private static func canonicalization(_ tags: TagList) throws(DKIMProblem) -> DKIMCanonicalization {
    guard let text = tags["c"] else { return .simple }
    guard let canonicalization = DKIMCanonicalization(text) else {
      throw .syntax("c=\(quoted(text.utf8)) is an unknown form")
    }
    return canonicalization
  }
}

extension TagList {
  /// The tags of a DKIM-Signature field's value.
  static func signature(_ value: [UInt8]) throws(DKIMProblem) -> TagList {
    do { return try TagList(value, allowsUTF8: true) } catch {
      throw .syntax("\(error.reason), at octet \(error.offset + 1) of the field")
    }
  }

  /// A value that must be there, and not be empty.
  fileprivate func required(_ name: String) throws(DKIMProblem) -> String {
    guard let value = self[name] else { throw .syntax("\(name)= is missing") }
    guard !value.isEmpty else { throw .syntax("\(name)= is empty") }
    return value
  }

  fileprivate func base64(_ name: String) throws(DKIMProblem) -> [UInt8] {
    _ = try required(name)
    guard let text = compact(name), let octets = Base64.decode(text.span) else {
      throw .syntax("\(name)= is no base 64")
    }
    return octets
  }

  /// A value with the blanks and folds round it: everything between `=` and the end of the tag.
  fileprivate func rangeWithBlanks(of name: String) -> Range<Int> {
    guard var range = range(of: name) else { return 0..<0 }
    while range.lowerBound > 0, octets[range.lowerBound - 1].isFoldingBlank {
      range = (range.lowerBound - 1)..<range.upperBound
    }
    while range.upperBound < octets.count, octets[range.upperBound].isFoldingBlank {
      range = range.lowerBound..<(range.upperBound + 1)
    }
    return range
  }

  /// Digits, as many as there are; `UInt64.max` for more than that.
  fileprivate func number(_ name: String) throws(DKIMProblem) -> UInt64? {
    guard let range = range(of: name) else { return nil }
    guard !range.isEmpty, octets[range].allSatisfy(\.isASCIIDigit) else { throw .syntax("\(name)= is no number") }
    var number: UInt64 = 0
    for octet in octets[range] {
      let (product, isOver) = number.multipliedReportingOverflow(by: 10)
      let (sum, isOverToo) = product.addingReportingOverflow(UInt64(octet & 0x0F))
      if isOver || isOverToo { return .max }
      number = sum
    }
    return number
  }
}
