public import MailModel

/// What ``StorageMaintenance`` found in a folder.
public struct StorageReport: Hashable, Sendable {
  /// Findings that a report tells one by one: 1,000.
  public static let findingLimit = 1000

  /// What is wrong, in the order in which it was found; ``findingLimit`` at most.
  public private(set) var findings: [StorageFinding] = []
  /// How many findings there were beyond those.
  public private(set) var more = 0
  /// Messages looked at, those that are finished included.
  public internal(set) var messages = 0

  /// Nothing found yet.
  public init() {}

  /// Whether nothing is wrong.
  public var isSound: Bool { findings.isEmpty }

  /// Adds a finding, or counts it where there are too many.
  mutating func add(_ finding: StorageFinding) {
    if findings.count < Self.findingLimit { findings.append(finding) } else { more += 1 }
  }
}

/// One thing that is wrong in a folder.
public struct StorageFinding: Hashable, Sendable {
  /// What kind of thing. More may come.
  @nonexhaustive public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// The database's pages do not hang together, or one of them cannot be read.
    case database
    /// A row of a message cannot be understood, or is not there.
    case message
    /// A queued message's spool file is not there.
    case spoolFileMissing
    /// A queued message's spool file is shorter or longer than it was.
    case spoolFileSize
    /// A queued message's content is not what was accepted.
    case content
    /// A file in the spool that no queued message names. Opening the folder removes it: a sender who was never told that
    /// the message was accepted has left it.
    case orphan
    /// A message has recipients left, and the queue does not know: they would wait for ever.
    case forgotten
    /// What else the queue knows of a message without looking at it is not so: how many recipients are left, and when they
    /// are due.
    case pending
    /// A tenant cannot be understood.
    case tenant
    /// A repair was interrupted, when only its last step was missing.
    case repair
  }

  /// What kind of thing.
  public var kind: Kind
  /// The message, if it is one and its name is known.
  public var queueID: QueueID?
  /// The file, as a path within the folder.
  public var file: String?
  /// What is wrong, in a sentence without addresses and content.
  public var text: String
  /// What a repair did about it; `nil` where it did nothing, and in a check.
  public var action: String?

  /// A finding of these parts.
  public init(_ kind: Kind, queueID: QueueID? = nil, file: String? = nil, text: String, action: String? = nil) {
    (self.kind, self.queueID, self.file, self.text, self.action) = (kind, queueID, file, text, action)
  }
}
