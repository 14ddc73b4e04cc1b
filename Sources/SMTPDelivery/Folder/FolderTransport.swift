public import DeliveryQueue
import Dispatch
public import MailModel

/// Delivers into a folder: each message becomes the file `QUEUEID.eml`, its content to the octet. For demonstrations,
/// tests, and hosts that take mail up from there.
///
/// A file has its name only when it is whole and on stable storage. A message that is delivered twice, or to its recipients
/// in several attempts, replaces its file. What a crash leaves behind has a name that begins with a dot, and is removed
/// by the next transport for the folder; so a folder has one transport at a time.
public final class FolderTransport: DeliveryTransport {
  private static let chunkSize = 65_536

  /// The folder.
  public let path: String

  /// 8BITMIME and SMTPUTF8, since a file keeps any octets; and MT-PRIORITY, which the queue has honoured by then. Not DSN: nobody
  /// reads the parameters of an envelope there.
  public var extensions: MailExtensions { [.eightBitMIME, .smtpUTF8, .transferPriorities] }

  /// One site: the folder.
  public func site(of destination: Mailbox.Host?) -> DeliverySite { DeliverySite(path) }

  /// Keeps what blocks away from everybody else.
  private let queue = DispatchQueue(label: "FolderTransport")

  /// Makes the folder, with mode 0700, where there is none, and removes unfinished files. The folder's parent must exist.
  /// Blocks for a moment.
  ///
  /// - Throws: ``TransportError`` with code ``TransportError/Code/unusableFolder``.
  public init(path: String) throws {
    self.path = path
    do {
      try FolderFile.makeFolder(path)
      try FolderFile.sweep(path, where: Self.isTemporaryName)
    } catch {
      throw TransportError(.unusableFolder, "the folder cannot be made or opened: \(error)", cause: error)
    }
  }

  /// One attempt; all recipients share its outcome.
  public func deliver(_ claim: Claim, content: any MessageContent) async -> DeliveryReport {
    let name = "\(claim.id).eml"
    var hostProblem: String?
    var condition = SiteCondition.working
    let outcome: DeliveryOutcome
    do {
      try await write(content, as: name, temporaryName: Self.temporaryName(claim))
      outcome = .delivered(DeliveryReply(code: 250, text: "250 2.0.0 Written to \(name)"))
    } catch {
      outcome = .deferred(DeliveryReply(problem: "Cannot write \(name): \(error)"))
      condition = .unknown
      if let error = error as? SystemError {
        hostProblem = "The folder \(path) does not take \(name): \(error)"
        condition = .failed("The folder \(path) takes no files: \(error)")
      }
    }
    return DeliveryReport(
      outcomes: claim.recipients.map { _ in outcome }, hostProblem: hostProblem, condition: condition)
  }

  /// `.QUEUEID.TOKEN.tmp`: no two attempts have the same one.
  private static func temporaryName(_ claim: Claim) -> String { ".\(claim.id).\(claim.token.value).tmp" }

  private static func isTemporaryName(_ name: String) -> Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0].isEmpty && QueueID(String(parts[1])) != nil
      && UInt64(parts[2]) != nil && parts[3] == "tmp"
  }

  private func write(_ content: any MessageContent, as name: String, temporaryName: String) async throws {
    let folder = path
    let file = try await blocking { try FolderFile(folder: folder, name: name, temporaryName: temporaryName) }
    do {
      var offset = 0
      while offset < content.count {
        try Task.checkCancellation()
        let chunk = try await content.read(from: offset, limit: Self.chunkSize)
        guard !chunk.isEmpty else { throw QueueError(.damaged, "the content is shorter than it should be") }
        try await blocking { try file.append(chunk) }
        offset += chunk.count
      }
      try await blocking { try file.finish() }
    } catch {
      await blocking { file.discard() }
      throw error
    }
  }

  private func blocking<Result: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () throws(Failure) -> Result
  ) async throws(Failure) -> Result {
    let result: Swift.Result<Result, Failure> = await withCheckedContinuation { continuation in
      queue.async {
        do throws(Failure) {
          continuation.resume(returning: .success(try work()))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    }
    return try result.get()
  }
}
