import MailModel

/// How a message's content comes in, against the times that ``Limits`` gives it.
struct Pace {
  private var octets = 0
  /// When the client was told to go on; later by as long as it had to wait for us since.
  private var begun: MonotonicInstant
  private var lastOctets: MonotonicInstant
  /// When octets were last handed to the sink, which may take its time.
  private var handedOver: MonotonicInstant?

  init(begun: MonotonicInstant) { (self.begun, lastOctets) = (begun, begun) }

  /// The session looks at the input. While the sink took its time, the client could not send; that counts for nothing.
  mutating func goOn(at now: MonotonicInstant, hasOctets: Bool) {
    if let handedOver, handedOver < now {
      begun = begun.advanced(by: handedOver.duration(to: now))
      lastOctets = now
    }
    handedOver = nil
    if hasOctets { lastOctets = now }
  }

  /// So many octets have come.
  mutating func count(_ octets: Int) { self.octets += octets }

  /// Octets go to the sink.
  mutating func handOver(at now: MonotonicInstant) { handedOver = now }

  /// While octets are awaited, the earliest of: none for too long, too few in all, too long in all.
  func deadline(_ limits: Limits) -> MonotonicInstant {
    min(lastOctets.advanced(by: limits.dataBlockTimeout), deadlineOfWhole(limits))
  }

  /// The earlier of: too few octets in all, too long in all.
  func deadlineOfWhole(_ limits: Limits) -> MonotonicInstant {
    let earned = Duration.milliseconds(Int64(clamping: octets) * 1000 / Int64(max(1, limits.minimumDataRate)))
    return min(begun.advanced(by: limits.dataRateGrace + earned), begun.advanced(by: limits.messageTimeout))
  }
}
