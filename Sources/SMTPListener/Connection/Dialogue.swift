import SMTPProtocol

/// A `PolicyDialogue`, whatever its policy.
///
/// With it neither a connection nor its handler is generic. What is costs a look-up of its types at every step, since
/// the policy's module is not known here.
protocol Dialogue: AnyObject {
  func answer(_ question: SessionQuestion) async -> SessionAnswer
  func write(_ octets: Span<UInt8>) -> Bool
  func drained() async
  func abandonExchange()
  func abandonMessage()
  func tlsStarted(_ tls: TLSFacts) -> [String]
}

extension PolicyDialogue: Dialogue {}
