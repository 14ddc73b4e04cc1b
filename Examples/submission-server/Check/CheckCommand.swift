import ArgumentParser
import DomainVerification

/// Looks at what the DNS says of a domain, and at what a message's signatures are worth.
struct Check: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check SPF, DKIM and DMARC, and say what is wrong and what to do.",
    discussion: """
      The first line begins with the result. The exit status is 0 where the check passed, 1 where it failed, 64 where an \
      argument or a file cannot be used, 74 where the output cannot be written, and 75 where the DNS did not answer, so that \
      it can be tried again.
      """,
    subcommands: [CheckSPF.self, CheckDKIM.self, CheckDMARC.self, CheckDomain.self])
}

extension VerificationReport.Verdict {
  /// Ends the command as the verdict has it; 75 is `EX_TEMPFAIL`.
  func end() throws {
    switch self {
    case .passed: return
    case .failed: throw ExitCode(1)
    case .undecided: throw ExitCode(75)
    }
  }
}
