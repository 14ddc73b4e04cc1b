import LibCrypto
import MailDNS

extension DKIMKeyEvaluation {
  /// The check for a person and a program.
  public var report: VerificationReport {
    let findings = [mainFinding].compactMap { $0 } + warnings
    let verdict: VerificationReport.Verdict =
      switch outcome {
      case .published: .passed
      case .dnsFailure: .undecided
      default: .failed
      }
    return VerificationReport("DKIM key \(selector) of \(domain)", verdict, findings: findings, evidence: lookups)
  }

  /// Where the key is published: a name and TXT, as evidence has it.
  private var place: String { lookups.first?.question.description ?? "\(selector)._domainkey.\(domain) TXT" }
  private var name: String { lookups.first.map { "\($0.question.name)" } ?? "\(selector)._domainkey.\(domain)" }

  /// The finding of the outcome; `nil` where all is well.
  private var mainFinding: Finding? {
    switch outcome {
    case .published: nil
    case .nameNotFound: missing("The name \(name) does not exist\(behindAlias).")
    case .noText: missing("The name \(name) exists\(behindAlias), and has no TXT record.")
    case .noKeyRecord:
      missing("The TXT record at \(name) is no key: \(texts.first.map { quoted($0.octets) } ?? "it is empty").")
    case .severalRecords(let count):
      failure(
        .severalRecords, "\(count) TXT records stand at \(name), and verifiers may take any of them\(ownAmongThem).",
        "Delete all of them but the one of the key that signs.")
    case .syntax(let problem):
      failure(.syntax, "The record at \(name) breaks its grammar at \(problem).", publishNext)
    case .revoked:
      failure(
        .keyRevoked, "The key at \(name) is revoked: p= is empty.",
        "Sign with another selector, or publish the key again if it was revoked by mistake.")
    case .differs(let published): differs(published)
    case .notUsable(let problem): notUsable(problem)
    case .dnsFailure(let reason): lookups.first.map { .unanswered($0.question, reason) }
    }
  }

  private func failure(_ code: Finding.Code, _ message: String, _ nextStep: String) -> Finding {
    Finding(code, .failure, of: place, message, nextStep: nextStep)
  }

  private var publishNext: String {
    // In the strings of a master file, none of which can be longer than 255 octets.
    let record = expected.first.map { "\(DNSRecord.text(DKIMKeyRecord($0).text))" } ?? "of the key that signs"
    return "Publish the record \(record) at \(name)."
  }

  private func missing(_ message: String) -> Finding {
    guard let doubledName else { return failure(.keyMissing, message, publishNext) }
    return failure(
      .keyMissing, "\(message) There is a key at \(doubledName): \(domain) stands twice in that name.",
      "Rename the record to \(name): in the form of the DNS provider, enter the name without .\(domain).")
  }

  /// Where an answer came by an alias, its end may be what is wrong.
  private var behindAlias: String {
    lookups.first?.answer.aliases.last.map { ", being an alias of \($0)" } ?? ""
  }

  private var ownAmongThem: String {
    let keys = texts.map { (try? DKIMKeyRecord($0.octets))?.key }
    guard !expected.isEmpty else { return "" }
    return keys.contains { $0.map(expected.contains) ?? false } ? "; ours is one of them" : "; ours is none of them"
  }

  private func differs(_ published: VerifyingKey) -> Finding {
    let own = expected.map(\.displayed).joined(separator: " or ")
    return failure(
      .keyDiffers, "The key at \(name) is \(published.displayed), and ours is \(own).",
      expected.contains { $0.kind == published.kind }
        ? "\(publishNext) If that other key still signs, give it a selector of its own." : publishNext)
  }

  private func notUsable(_ problem: DKIMKeyProblem) -> Finding {
    // A record that gives no key is mended by publishing ours; a key that can be read, and not be used, has to be made anew.
    let isKey = record?.key != nil && [.keyData, .tooShort, .tooLong].contains(problem.kind)
    let code: Finding.Code =
      switch problem.kind {
      case .tooShort: .keyTooShort
      case .tooLong: .keyTooLong
      default: .keyNotUsable
      }
    return failure(
      code, "The key at \(name) cannot verify mail: \(problem).",
      isKey ? "Make an RSA key of 2048 bits, publish it and sign with it." : publishNext)
  }

  /// What does not keep the key from its use, though somebody should look.
  private var warnings: [Finding] {
    guard let record, !record.isRevoked else { return [] }
    var findings = record.remarks.map {
      Finding(
        .syntax, .warning, of: place, "Some verifiers stumble over the record at \(name): \($0).", nextStep: publishNext
      )
    }
    if record.isTesting {
      findings.append(
        Finding(
          .keyInTesting, .warning, of: place, "The record at \(name) says that DKIM is only tried (t=y).",
          nextStep: "Take t=y out of the record: with it a signature counts for nothing."))
    }
    if outcome == .published, case .rsa(let bits)? = record.key?.kind, bits < DKIMKeyPair.rsaBits.lowerBound {
      findings.append(
        Finding(
          .keyTooShort, .warning, of: place, "The key at \(name) has \(bits) bits, less than the 2048 of RFC 8301.",
          nextStep: "Make a key of 2048 bits, publish it at a new selector and sign with it."))
    }
    return findings
  }
}

extension VerifyingKey {
  /// Kind, size and fingerprint: enough to tell two keys apart.
  var displayed: String {
    let kind =
      switch self.kind {
      case .rsa(let bits): "RSA of \(bits) bits"
      default: "Ed25519"
      }
    return fingerprint.map { "\(kind), SHA-256 \($0.prefix(16))…" } ?? kind
  }

  /// SHA-256 of SubjectPublicKeyInfo in hexadecimal digits, as `openssl pkey -pubin -outform DER | sha256sum` shows it.
  var fingerprint: String? {
    guard let digest = try? SHA256.digest(of: subjectPublicKeyInfo.span) else { return nil }
    return digest.map { String(256 + Int($0), radix: 16).dropFirst() }.joined()
  }
}
