import LibCrypto
import MailDNS
import MailModel
import Synchronization

/// A message while its signatures are verified: the header section is known, the body comes in.
///
/// Signatures that see the body in the same form share one hash of it.
public struct DKIMVerification: ~Copyable, Sendable {
  private let verifier: DKIMVerifier
  private let header: HeaderSection
  private var evaluation = DKIMEvaluation()
  private var candidates: [DKIMCandidate] = []
  private var bodies: [DKIMSharedBodyHash] = []

  init(_ verifier: DKIMVerifier, _ header: HeaderSection, at now: Timestamp) {
    (self.verifier, self.header) = (verifier, header)
    evaluation.fromCount = header.countSeen(as: "from")
    let fields = header.fields.filter { header.octets.span.extracting($0.name).equalsIgnoringCase("dkim-signature") }
    let limit = max(0, verifier.limits.signatures)
    evaluation.ignoredCount = max(0, fields.count - limit)
    for field in fields.prefix(limit) {
      var signature = DKIMSignatureEvaluation()
      do throws(DKIMProblem) {
        let (read, algorithm) = try read(field, &signature, at: now)
        let body = try body(of: read)
        candidates.append(
          DKIMCandidate(
            index: evaluation.signatures.count, signature: read, algorithm: algorithm, field: field, body: body))
      } catch {
        signature.end(with: error)
      }
      evaluation.signatures.append(signature)
    }
  }

  /// Adds octets at the end of the body.
  public mutating func update(_ chunk: Span<UInt8>) {
    for body in bodies { body.update(chunk) }
  }

  /// Ends the body, asks for the keys that are needed then, all at once, and says what became of each signature.
  ///
  /// Cancelling the task ends the waiting for keys, as does the end of ``DKIMLimits/duration``.
  public consuming func finish() async -> DKIMEvaluation {
    let digests = bodies.map { $0.finish() }
    var pending: [DKIMCandidate] = []
    for candidate in candidates {
      do throws(DKIMProblem) {
        try candidate.compare(digests[candidate.body], &evaluation.signatures[candidate.index])
        pending.append(candidate)
      } catch {
        evaluation.signatures[candidate.index].end(with: error)
      }
    }
    let answers = await verifier.answers(to: pending.map(\.question))
    var limits = verifier.limits
    for (candidate, answer) in zip(pending, answers) {
      evaluation.signatures[candidate.index].lookups = [DNSLookup(candidate.question, answer)]
      let digest = candidate.digest(of: header)
      candidate.decide(answer, digest, &limits, &evaluation.signatures[candidate.index])
    }
    return evaluation
  }

  /// A field as a signature that may pass: its grammar, its time, its algorithm.
  private func read(
    _ field: HeaderSection.Field, _ evaluation: inout DKIMSignatureEvaluation, at now: Timestamp
  ) throws(DKIMProblem) -> (DKIMSignature, DKIMAlgorithm) {
    let limits = verifier.limits
    guard header.octets.count <= limits.headerOctets, header.fields.count <= limits.headerFields else {
      throw .unread("the header section is over \(limits.headerOctets) octets or \(limits.headerFields) fields")
    }
    guard field.whole.count <= limits.signatureOctets else {
      throw .unread("the field is over \(limits.signatureOctets) octets")
    }
    let signature = try DKIMSignature(try TagList.signature(Array(header.octets[field.value])), &evaluation)
    try signature.check(at: now, tolerance: limits.clockTolerance)
    return (signature, try signature.acceptedAlgorithm())
  }

  /// The hash of the body that a signature needs, one for all that need the same.
  private mutating func body(of signature: DKIMSignature) throws(DKIMProblem) -> Int {
    let form = (signature.canonicalization.body, signature.bodyLength ?? .max)
    if let index = bodies.firstIndex(where: { ($0.canonicalization, $0.limit) == form }) { return index }
    do throws(DKIMError) {
      bodies.append(try DKIMSharedBodyHash(form.0, limit: form.1))
    } catch {
      throw .unhashed(error)
    }
    return bodies.count - 1
  }
}

/// The hash of a body for several signatures. It has one owner at a time; the lock is for the compiler.
final class DKIMSharedBodyHash: Sendable {
  let canonicalization: DKIMCanonicalization.Algorithm
  let limit: UInt64
  private let hash: Mutex<DKIMBodyHash?>

  init(_ canonicalization: DKIMCanonicalization.Algorithm, limit: UInt64) throws(DKIMError) {
    (self.canonicalization, self.limit) = (canonicalization, limit)
    hash = Mutex(try DKIMBodyHash(canonicalization, limit: limit))
  }

  func update(_ chunk: Span<UInt8>) { hash.withLock { $0?.update(chunk) } }

  func finish() -> Result<DKIMBodyDigest, DKIMError> {
    hash.withLock { hash in
      do throws(DKIMError) {
        guard let hash = hash.take() else { throw DKIMError(.bodyHash, "the body is hashed already") }
        return .success(try hash.finish())
      } catch {
        return .failure(error)
      }
    }
  }
}
