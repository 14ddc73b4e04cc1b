import DeliveryQueue
import Foundation
import MailModel
import SQLiteStorage
import Synchronization
import Testing

/// What happens while less of the disk is left than is to stay free.
@Suite(.serialized) struct DiskSpaceTests {
  private let folders = TemporaryFolders()

  /// A disk whose room a test decides upon.
  private final class Disk: Sendable {
    private let room: Mutex<DiskRoom>
    private let questions = Mutex(0)

    init(_ room: DiskRoom) { self.room = Mutex(room) }

    var asked: Int { questions.withLock { $0 } }
    func has(_ room: DiskRoom) { self.room.withLock { $0 = room } }

    var calls: FileCalls {
      var calls = FileCalls.system
      calls.room = { _ in
        self.questions.withLock { $0 += 1 }
        return self.room.withLock { $0 }
      }
      return calls
    }
  }

  private func open(_ disk: Disk, floor: DiskFloor) async throws -> StorageFolder {
    var configuration = StorageConfiguration()
    configuration.diskFloor = floor
    return try await folders.open(configuration: configuration, calls: disk.calls)
  }

  private static func room(octets: Int, entries: Int? = nil) -> DiskRoom {
    DiskRoom(
      octets: DiskRoom.Part(free: octets, whole: 10_000),
      entries: entries.map { DiskRoom.Part(free: $0, whole: 500) })
  }

  @Test(arguments: [
    (DiskFloor.octets(700), room(octets: 699), false), (.octets(700), room(octets: 700), true),
    (.octets(700), room(octets: 701), true), (.share(0.1), room(octets: 999), false),
    (.share(0.1), room(octets: 1000), true), (.share(0.1), room(octets: 1001), true),
    (.share(0.1), room(octets: 1000, entries: 49), false), (.share(0.1), room(octets: 1000, entries: 50), true),
    (.share(0.1), room(octets: 1000, entries: 51), true), (.octets(0), room(octets: 0, entries: 0), true),
    (.octets(700), room(octets: 700, entries: 0), true), (.share(0), room(octets: 0, entries: 0), true),
    (.share(1), room(octets: 9999), false), (.share(1), room(octets: 10_000), true),
    (.share(.nan), room(octets: 0), true),
  ])
  func whatIsLeftDecides(floor: DiskFloor, room: DiskRoom, isAccepted: Bool) async throws {
    let store = try await open(Disk(room), floor: floor).queue
    let message = Mail.message()
    let refused = await failure { try await store.enqueue(message) }
    #expect(refused?.code == (isAccepted ? nil : .insufficientStorage))
    #expect(try await (store.status(of: message.id) != nil) == isAccepted)
  }

  @Test func theRefusalSaysWhatIsMissing() async throws {
    let store = try await open(Disk(Self.room(octets: 699)), floor: .octets(700)).queue
    let refused = await failure { try await store.enqueue(Mail.message()) }
    #expect(refused?.message == "the disk has 699 octets left, and 700 are to stay free")
  }

  @Test func aBodyIsRefusedAtItsBeginningAndOnItsWay() async throws {
    let disk = Disk(Self.room(octets: 700))
    let store = try await open(disk, floor: .octets(700)).queue
    let writer = try await store.makeBody(for: Mail.ids.next(at: SystemTime().now()))
    disk.has(Self.room(octets: 699))
    // More than may be written before the system is asked again.
    let large = [UInt8](repeating: 66, count: 5 << 20)
    #expect(await failure { try await writer.append(large) }?.code == .insufficientStorage)
    let refused = await failure { _ = try await store.makeBody(for: Mail.ids.next(at: SystemTime().now())) }
    #expect(refused?.code == .insufficientStorage)
  }

  @Test func whatIsQueuedIsSettledAndThenThereIsRoomAgain() async throws {
    let disk = Disk(Self.room(octets: 10_000))
    let store = try await open(disk, floor: .octets(700)).queue
    for _ in 0..<3 { try await store.enqueue(Mail.message()) }
    disk.has(Self.room(octets: 0))
    await eventually { await failure { try await store.enqueue(Mail.message()) } != nil }
    try await store.deliverAll()
    #expect(try await store.summary().messages == 0)
    disk.has(Self.room(octets: 700))
    await eventually { await failure { try await store.enqueue(Mail.message()) } == nil }
  }

  @Test func theSystemIsNotAskedForEveryMessage() async throws {
    let disk = Disk(Self.room(octets: 10_000))
    let store = try await open(disk, floor: .octets(700)).queue
    let started = ContinuousClock.now
    for _ in 0..<50 { try await store.enqueue(Mail.message()) }
    // Four times a second, and once at the beginning.
    let most = Int((ContinuousClock.now - started) / .milliseconds(250)) + 1
    #expect((1...most).contains(disk.asked))
  }

  @Test func theSystemKnowsItsDisk() throws {
    let room = try #require(FileCalls.system.room(NSTemporaryDirectory()))
    #expect(room.octets.whole > 0 && room.octets.free <= room.octets.whole)
    #expect(FileCalls.system.room("/no/such/folder") == nil)
  }

  private func failure(_ body: () async throws -> Void) async -> QueueError? {
    do {
      try await body()
      return nil
    } catch {
      return error as? QueueError
    }
  }

  /// Ends when something is so; the test's time limit is the only other end.
  private func eventually(_ isSo: () async -> Bool) async {
    while await !isSo() { await Task.yield() }
  }
}
