import Synchronization

/// The name of one accepted message, in replies, Received fields, logs, events and reports.
///
/// It has two halves. ``sequence`` ascends, so that stores may use it as a key at the end of a table; ``secret`` is
/// random, so that nobody guesses the name of another's message. The text is 26 characters of Crockford's base 32.
public struct QueueID: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Ascending with time, never negative: milliseconds since 1970 times 2^20, plus a counter.
  public let sequence: Int64
  /// Random.
  public let secret: UInt64

  /// A queue ID of these halves, `nil` where `sequence` is negative. New ones are made by ``QueueIDGenerator``.
  public init?(sequence: Int64, secret: UInt64) {
    guard sequence >= 0 else { return nil }
    (self.sequence, self.secret) = (sequence, secret)
  }

  /// What ``description`` gives, in either case; `nil` where `text` is no queue ID.
  public init?(_ text: String) {
    let octets = Array(text.utf8)
    guard octets.count == 26, let sequence = Self.decode(octets[..<13]), sequence <= UInt64(Int64.max),
      let secret = Self.decode(octets[13...])
    else { return nil }
    (self.sequence, self.secret) = (Int64(sequence), secret)
  }

  /// 26 characters of `0-9A-Z` without I, L, O and U.
  public var description: String {
    String(decoding: Self.encode(UInt64(sequence)) + Self.encode(secret), as: UTF8.self)
  }

  /// Older before newer.
  public static func < (left: QueueID, right: QueueID) -> Bool {
    (left.sequence, left.secret) < (right.sequence, right.secret)
  }

  private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

  private static func encode(_ value: UInt64) -> [UInt8] {
    (0..<13).map { alphabet[Int(truncatingIfNeeded: value >> (60 - 5 * UInt64($0))) & 31] }
  }

  private static func decode(_ octets: ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for octet in octets {
      let upper = octet.isASCIILetter ? octet & 0xDF : octet
      guard value >> 59 == 0, let digit = alphabet.firstIndex(of: upper) else { return nil }
      value = value << 5 | UInt64(digit)
    }
    return value
  }
}

/// Makes queue IDs that ascend, whatever the wall clock does.
public final class QueueIDGenerator: Sendable {
  private let last: Mutex<Int64>
  private let secret: @Sendable () -> UInt64

  /// A generator of queue IDs, whose secrets come from the system's secure generator.
  ///
  /// - Parameter last: the greatest ``QueueID/sequence`` ever given out by the store; all new ones are above it.
  public convenience init(after last: Int64 = 0) { self.init(after: last, secret: { .random(in: .min ... .max) }) }

  /// For a simulation that must repeat itself: with secrets of any other source, who knows one message's name guesses others'.
  package init(after last: Int64 = 0, secret: @escaping @Sendable () -> UInt64) {
    self.last = Mutex(max(0, last))
    self.secret = secret
  }

  /// A new queue ID, above every earlier one.
  public func next(at now: Timestamp) -> QueueID {
    let sequence = last.withLock { last in
      let floor = max(0, min(now.milliseconds, Int64.max >> 20)) << 20
      // At the end of all numbers, which only a damaged store could hold, the secret alone tells IDs apart.
      last = max(last == .max ? last : last + 1, floor)
      return last
    }
    return QueueID(trusted: sequence, secret: secret())
  }
}

extension QueueID {
  package init(trusted sequence: Int64, secret: UInt64) { (self.sequence, self.secret) = (sequence, secret) }
}
