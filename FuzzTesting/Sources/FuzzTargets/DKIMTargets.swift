import DomainVerification
import LibCrypto
import MailDNS
import MailModel

extension FuzzTarget {
  /// A whole message, perhaps one of those that were signed, and changed since: nothing passes but what was signed.
  static let dkimSignature = FuzzTarget("dkim-signature", maximumLength: 1536) { input in
    var decisions = input.decisions
    let source = decisions.next(of: [KeySource.signers, .signers, .other, .input])
    let now = Timestamp(milliseconds: decisions.next(of: [1_795_500_000_000, 0, 1_795_410_000_000]))
    let hasLineFeeds = decisions.next()
    let delivery = decisions.next(of: [Delivery.octetByOctet, .pieces(1), .lineByLine, .pieces(2), .whole])
    var octets = input.payload
    var record: [UInt8] = []
    if source == .input {
      record = Array(octets.prefix { $0 != 0x0A })
      octets.removeFirst(min(record.count + 1, octets.count))
    }
    let message = ReferenceMessage(hasLineFeeds ? octets : octets.withNetworkLineEnds)
    checkBodyHash(message.body, delivery)

    let verifier = DKIMVerifier(resolver: source.resolver(record), clock: StoppedClock())
    let header = HeaderSection(message.header)
    let evaluation = InlineTasks.result { [body = message.body] in
      await verifier.verify(header, body: body, at: now)
    }
    check(evaluation, message)
    let inPieces = InlineTasks.result { [body = message.body] in
      var verification = verifier.begin(header, at: now)
      delivery.cut(body) { piece in
        verification.update(Array(piece).span)
        return true
      }
      return await verification.finish()
    }
    require(inPieces == evaluation, "another evaluation of the same in pieces")
    let lawful = lawful
    for (index, signature) in evaluation.signatures.enumerated() where signature.result == .pass {
      require(source != .other, "it passes by a key that signed nothing")
      guard source == .signers else { continue }
      guard let signed = message.signed(by: index) else { fatalError("a pass of a signature that is not there") }
      require(lawful.contains(signed), "it passes, and was never signed")
    }
  }

  private enum KeySource {
    case signers
    case other
    case input

    func resolver(_ record: [UInt8]) -> WrittenDNS {
      switch self {
      case .signers:
        WrittenDNS(
          """
          r._domainkey.example.com TXT \(SignedMessages.rsaKey)
          e._domainkey.example.com TXT \(SignedMessages.edwardsKey)
          """.utf8)
      case .other: WrittenDNS("* TXT \(SignedMessages.otherKey)".utf8)
      case .input: WrittenDNS(Array("* TXT ".utf8) + record)
      }
    }
  }

  /// What was signed by the keys that are published.
  private static let lawful: Set<ReferenceMessage.Signed> = {
    var signed: Set<ReferenceMessage.Signed> = []
    for text in SignedMessages.all {
      let message = ReferenceMessage(Array(text.utf8).withNetworkLineEnds)
      let verifier = DKIMVerifier(resolver: KeySource.signers.resolver([]), clock: StoppedClock())
      let evaluation = InlineTasks.result {
        await verifier.verify(
          HeaderSection(message.header), body: message.body, at: Timestamp(milliseconds: 1_795_500_000_000))
      }
      for (index, signature) in evaluation.signatures.enumerated() {
        require(signature.result == .pass, "\(text) does not pass: \(signature.findings)")
        if let octets = message.signed(by: index) { signed.insert(octets) }
      }
    }
    return signed
  }()

  private static func check(_ evaluation: DKIMEvaluation, _ message: ReferenceMessage) {
    require(evaluation.signatures.count <= 10, "\(evaluation.signatures.count) signatures")
    require((evaluation.result == .none) == evaluation.signatures.isEmpty, "\(evaluation.result) of a signed message")
    require(
      (evaluation.result == .pass) == evaluation.signatures.contains { $0.result == .pass }, "another result in all")
    checkReport(evaluation.report)
    for signature in evaluation.signatures {
      require(signature.result != .none, "a signature that is none")
      require(signature.lookups.count <= 1, "\(signature.lookups.count) questions for a signature")
      let severities = signature.findings.map(\.severity)
      if signature.result == .pass {
        require(severities.allSatisfy { $0 == .warning }, "it passes with a failure")
        require(signature.signedFields.contains("from"), "it passes without From")
        require(signature.keyBits ?? 0 >= 256 && signature.domain != nil, "it passes without a key")
      } else {
        require(severities.first == (signature.result == .temperror ? .undecided : .failure), "it fails for no reason")
      }
      for finding in signature.findings { checkLine(finding.description) }
    }
  }

  /// However a body comes in, it is the digest of what the simple program has.
  private static func checkBodyHash(_ body: [UInt8], _ delivery: Delivery) {
    for form in DKIMCanonicalization.Algorithm.allCases {
      let expected = body.canonicalBody(isRelaxed: form == .relaxed)
      do {
        var hash = try DKIMBodyHash(form)
        delivery.cut(body) { piece in
          hash.update(Array(piece).span)
          return true
        }
        let digest = try hash.finish()
        require(digest.count == UInt64(expected.count), "\(digest.count) octets, not \(expected.count)")
        let expectedDigest = try SHA256.digest(of: expected.span)
        require(digest.octets == expectedDigest, "another digest of a body")
      } catch {
        fatalError("no digest: \(error)")
      }
    }
  }

  /// A key record, or anything else that a TXT record holds: it is refused at a place within it, or reads back as itself.
  static let dkimKey = FuzzTarget("dkim-key", maximumLength: 1024) { input in
    checkKeyCheck(input.payload)
    if let selector = DKIMSelector(String(decoding: input.payload, as: UTF8.self)) {
      require(DKIMSelector(selector.description) == selector, "a selector reads back as another")
    }
    checkKeyRecord(input.payload)
  }

  private static func checkKeyRecord(_ octets: [UInt8]) {
    let record: DKIMKeyRecord
    do { record = try DKIMKeyRecord(octets) } catch {
      require(error.kind == .syntax, "no record by a problem of kind \(error.kind)")
      return check(error, octets)
    }
    for problem in record.remarks + [record.keyProblem].compactMap(\.self) { check(problem, octets) }
    require((record.key == nil) == (record.keyProblem != nil), "neither a key nor a problem")
    require(record.isRevoked == (record.keyProblem?.kind == .revoked), "a key that is revoked and not")
    checkReading(record)
    for algorithm in DKIMAlgorithm.allCases { checkUse(record, algorithm) }
  }

  private static func check(_ problem: DKIMKeyProblem, _ octets: [UInt8]) {
    require((1...(octets.count + 1)).contains(problem.column ?? 1), "\(problem) of \(octets.count) octets")
    checkLine(problem.description)
  }

  private static func checkReading(_ record: DKIMKeyRecord) {
    checkLine(record.description)
    require(record.text.octets == Array(record.description.utf8), "another text in strings")
    guard var again = try? DKIMKeyRecord(record.text.octets) else { fatalError("a record reads back as none") }
    let remarks = Set(record.remarks.map(\.message))
    require(again.remarks.allSatisfy { remarks.contains($0.message) }, "a record of ours has more remarks")
    require(again.keyProblem?.kind == record.keyProblem?.kind, "another problem")
    require(
      again.keyType == record.keyType && again.hashes == record.hashes && again.services == record.services
        && again.flags == record.flags && again.keyOctets == record.keyOctets && again.key == record.key,
      "a record reads back as another")
    guard let key = record.key else { return }
    require(record.holds(key), "it does not hold its own key")
    again = DKIMKeyRecord(key)
    require((try? DKIMKeyRecord(Array(again.description.utf8)))?.key == key, "a key reads back as another")
  }

  private static func checkUse(_ record: DKIMKeyRecord, _ algorithm: DKIMAlgorithm) {
    do {
      let key = try record.key(for: algorithm)
      require(key == record.key && record.keyType == (algorithm == .rsaSHA256 ? "rsa" : "ed25519"), "another key")
      if case .rsa(let bits) = key.kind { require((1024...8192).contains(bits), "a key of \(bits) bits") }
      _ = key.isSignature([UInt8](repeating: 1, count: 64).span, ofDigest: [UInt8](repeating: 2, count: 32).span)
    } catch {
      require(error.kind != .syntax && error.kind != .spelling, "a use refused for \(error.kind)")
      checkLine(error.description)
    }
  }

  private static func checkKeyCheck(_ octets: [UInt8]) {
    guard let selector = DKIMSelector("s"), let domain = DomainName("example.com") else { return }
    let check = DKIMKeyCheck(resolver: WrittenDNS(Array("s._domainkey.example.com TXT ".utf8) + octets))
    let ours = (try? DKIMKeyRecord(Array(SignedMessages.rsaKey.utf8)))?.key
    for keys in [[], [ours].compactMap(\.self)] {
      let evaluation = InlineTasks.result { await check.evaluate(selector, of: domain, expecting: keys) }
      require((1...2).contains(evaluation.lookups.count), "\(evaluation.lookups.count) questions")
      checkReport(evaluation.report)
      guard evaluation.outcome == .published, !keys.isEmpty else { continue }
      require(evaluation.record?.key == ours, "another key than ours is taken for ours")
    }
  }
}

extension [UInt8] {
  /// CRLF in place of each line feed.
  var withNetworkLineEnds: [UInt8] { flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] } }
}
