/// What became of a DKIM signature, in the words of RFC 8601 §2.7.1.
public enum DKIMResult: String, Hashable, Sendable, CaseIterable {
  /// It verifies. So does one of a part of the body (`l=`), with a warning: RFC 8601 leaves it to whoever reads the result to have
  /// none of that, by ``DKIMSignatureEvaluation/isBodyPartlySigned``.
  case pass
  /// It was understood, and does not verify: body or header fields are not those that were signed, or the key is another.
  case fail
  /// It is understood, and not acceptable to us, so that the signature itself is not tried: expired or made in the future, which
  /// RFC 6376 §3.5 and §6.1.1 leave to the verifier, or by a key too short (RFC 8301 §3.2) or too long.
  case policy
  /// It breaks its grammar, so that it cannot be processed, or a limit of ours keeps it from being looked at.
  case neutral
  /// Nobody can say yet: the DNS does not give the key. Asking again later may help.
  case temperror
  /// It has its grammar and can never verify: no key or a revoked one (RFC 6376 §6.1.2, PERMFAIL), a historic algorithm, by which
  /// it has "permanently failed evaluation" (RFC 8301 §3.1), From not signed, `x=` not behind `t=`.
  case permerror
  /// The message is not signed.
  case none
}

/// Why a signature is not taken.
struct DKIMProblem: Error, Hashable {
  var result: DKIMResult
  var code: Finding.Code
  var message: String
  var nextStep: String

  init(_ result: DKIMResult, _ code: Finding.Code, _ message: String, nextStep: String) {
    (self.result, self.code, self.message, self.nextStep) = (result, code, message, nextStep)
  }

  /// The field breaks its grammar.
  static func syntax(_ message: String) -> DKIMProblem {
    DKIMProblem(
      .neutral, .syntax, "\(message).",
      nextStep: "Mend what signs the message: RFC 6376 §3.5 has the grammar of its field.")
  }

  /// The field has its grammar, and says what no verifier can follow.
  static func unusable(_ message: String) -> DKIMProblem {
    DKIMProblem(
      .permerror, .syntax, "\(message).", nextStep: "Mend what signs the message: see RFC 6376 §3.5 and §6.1.1.")
  }

  /// A limit of ours keeps it from being looked at.
  static func unread(
    _ reason: String, nextStep: String = "Find out what makes the message's header section so large."
  ) -> DKIMProblem {
    DKIMProblem(.neutral, .limit, "Not looked at: \(reason).", nextStep: nextStep)
  }

  /// libcrypto failed, so nothing can be said.
  static func unhashed(_ error: DKIMError) -> DKIMProblem {
    DKIMProblem(.temperror, .internalFailure, "Not verified: \(error.message).", nextStep: "Try again later.")
  }

  /// As a report has it.
  func finding(of subject: String) -> Finding {
    Finding(code, result == .temperror ? .undecided : .failure, of: subject, message, nextStep: nextStep)
  }
}
