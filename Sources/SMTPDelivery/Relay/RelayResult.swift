import DeliveryReporting
import SMTPProtocol

extension SessionResult {
  /// Why TLS was tried in vain, if it was.
  var handshakeFailure: ClientFailure? {
    guard case .failed(let failure, _) = self, failure.stage == .handshake else { return nil }
    switch failure.reason {
    case .tlsFailed, .connectionLost, .timeout: return failure
    default: return nil
    }
  }

  /// Whether the host ended the session, or let it end, before it agreed to anything of a transaction: no content was sent,
  /// and for nobody the host has answered.
  var endedUnheard: Bool {
    guard case .failed(let failure, _) = self else { return false }
    if case .abandoned = failure.reason { return false }
    switch failure.stage {
    case .idle, .reset, .sender: return true
    default: return false
    }
  }
}
