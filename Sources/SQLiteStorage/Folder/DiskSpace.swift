import DeliveryQueue
import Foundation
import Synchronization

/// What is left of a file system, for those who have no privilege in it.
package struct DiskRoom: Hashable, Sendable {
  /// So many of a whole.
  package struct Part: Hashable, Sendable {
    package var free: Int
    package var whole: Int

    package init(free: Int, whole: Int) { (self.free, self.whole) = (free, whole) }
  }

  package var octets: Part
  /// File entries (inodes); `nil` where the file system makes them as they are needed.
  package var entries: Part?

  package init(octets: Part, entries: Part? = nil) { (self.octets, self.entries) = (octets, entries) }

  /// The room on the disk of a folder; `nil` where the system does not say.
  static func left(at path: String) -> DiskRoom? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    func octets(_ blocks: some BinaryInteger) -> Int {
      let (product, isOver) = Int(clamping: blocks).multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
      return isOver ? .max : product
    }
    let entries = Part(free: Int(clamping: status.f_favail), whole: Int(clamping: status.f_files))
    return DiskRoom(
      octets: Part(free: octets(status.f_bavail), whole: octets(status.f_blocks)),
      entries: entries.whole > 0 ? entries : nil)
  }
}

/// Sees to it that space is left free on a folder's disk: for what must go on when nothing is accepted any more, such as
/// outcomes of deliveries and the database's log.
final class DiskSpace: Sendable {
  /// How long an answer of the system holds, in which ``octetsPerAnswer`` may be written.
  private static let answerDuration = Duration.milliseconds(250)
  /// Octets that may be written before the system is asked again.
  private static let octetsPerAnswer = 4 << 20

  private struct Answer {
    var refusal: QueueError?
    var until: ContinuousClock.Instant
    var octetsLeft: Int
  }
  private let floor: DiskFloor
  private let room: @Sendable () -> DiskRoom?
  private let answer = Mutex<Answer?>(nil)

  init(floor: DiskFloor, room: @escaping @Sendable () -> DiskRoom?) { (self.floor, self.room) = (floor, room) }

  /// Whether so many octets may be written for a message that is not accepted yet. Asks the system now and then, which
  /// takes a microsecond.
  ///
  /// - Throws: ``DeliveryQueue/QueueError`` with code `insufficientStorage` while there is less room than is to stay.
  func check(octets: Int) throws(QueueError) {
    let now = ContinuousClock.now
    let known = answer.withLock { answer -> Answer? in
      guard let known = answer, known.octetsLeft >= octets, now < known.until else { return nil }
      answer?.octetsLeft -= octets
      return known
    }
    let refusal = known.map(\.refusal) ?? room().flatMap(refusal)
    if known == nil {
      let left = Self.octetsPerAnswer - octets
      answer.withLock { $0 = Answer(refusal: refusal, until: now + Self.answerDuration, octetsLeft: left) }
    }
    if let refusal { throw refusal }
  }

  private func refusal(_ room: DiskRoom) -> QueueError? {
    let least = floor.least(of: room.octets.whole)
    if room.octets.free < least {
      return QueueError(
        .insufficientStorage, "the disk has \(room.octets.free) octets left, and \(least) are to stay free")
    }
    guard case .share = floor, let entries = room.entries else { return nil }
    let leastEntries = floor.least(of: entries.whole)
    guard entries.free < leastEntries else { return nil }
    return QueueError(
      .insufficientStorage,
      "the file system has \(entries.free) file entries left, and \(leastEntries) are to stay free")
  }
}

extension DiskFloor {
  /// Octets, or file entries, that stay free of a whole.
  fileprivate func least(of whole: Int) -> Int {
    switch self {
    case .octets(let octets): octets
    case .share(let share):
      // A share that is no number leaves nothing free.
      !(share > 0) ? 0 : share >= 1 ? whole : min(whole, Int((Double(whole / 2) * share * 2).rounded(.up)))
    }
  }
}
