import MailModel
import SMTPAuth
public import SMTPProtocol

/// A SASL exchange in the protocol's terms.
public final class SubmissionExchange: AuthenticationExchange {
  private let exchange: (any SASLExchange)?
  private let session: SubmissionSession

  init(_ exchange: (any SASLExchange)?, session: SubmissionSession) {
    (self.exchange, self.session) = (exchange, session)
  }

  /// ``AuthenticationExchange``.
  public func step(_ response: [UInt8]?) async -> AuthenticationStep {
    switch await exchange?.step(response) {
    case .challenge(let octets): return .challenge(octets)
    case .success(let identity): return await session.proved(identity)
    case .failure(let failure): return .failure(session.refused(failure))
    case nil: return .failure(.credentialsInvalid)
    }
  }
}

extension AuthenticationFailure {
  /// RFC 4954 §6.
  var reply: SMTPReply {
    switch reason {
    case .invalidCredentials: .credentialsInvalid
    case .malformedResponse: .malformedCredentials
    case .temporarilyUnavailable: .authenticationUnavailable
    @unknown default: .authenticationUnavailable
    }
  }
}
