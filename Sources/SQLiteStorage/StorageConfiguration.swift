public import DeliveryQueue

/// How a ``StorageFolder`` keeps things.
public struct StorageConfiguration: Hashable, Sendable {
  /// What the queue takes before it refuses; default 4,000,000 messages and 256 GiB.
  public var queueLimits = QueueLimits(messages: 4_000_000, octets: 256 << 30)
  /// How long after its acceptance the status of a finished message is remembered; default 30 days. Looked at when the
  /// folder is opened and once an hour.
  public var historyRetention = Duration.seconds(30 * 86_400)
  /// Space on the disk that is left free: while there is less, messages are refused with
  /// ``DeliveryQueue/QueueError/Code/insufficientStorage``, and deliveries go on. Default a tenth.
  public var diskFloor = DiskFloor.share(0.1)
  /// How long at most a start looks at the whole database, message by message, before it goes on with what it has seen; the
  /// rest is for ``StorageMaintenance/check(_:)``, and the log says so. Default one second; zero looks at nothing but
  /// what a start must read: which messages wait, and whether their spool files are there.
  public var startupCheck = Duration.seconds(1)
  /// How long an accepted message may wait for others to share its sync, in addition to the sync that is under way: more of them at
  /// once cost less each, and each takes longer. Default none.
  public var commitDelay = Duration.zero
  /// The same for outcomes, for which no client waits. Default 5 milliseconds.
  public var settlementDelay = Duration.milliseconds(5)

  /// Octets of memory, about, in which messages are kept that were accepted or claimed a moment ago, so that they need not be
  /// read from the disk where they are as well. Default 32 MiB; with 0, each is read.
  public var cacheLimit = 32 << 20

  /// The defaults.
  public init() {}
}

/// Space that is left free on a disk.
///
/// The system is asked, several times a second. Pages that the database has free within itself are not counted, though
/// what comes next goes there first.
public enum DiskFloor: Hashable, Sendable {
  /// A part of the whole, from 0 to 1; of the file system's file entries (inodes) likewise.
  case share(Double)
  /// So many octets.
  case octets(Int)
}
