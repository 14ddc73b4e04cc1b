import MailModel
import Synchronization

extension InMemoryQueueStore {
  /// What a process finds that opens the queue after another one died: what was kept is there, no claim holds, and bodies that
  /// no message names are gone. The two have nothing in common from now on.
  package func reopened() -> InMemoryQueueStore { InMemoryQueueStore(queue.withLock { $0.reopened() }) }

  /// The greatest ``MailModel/QueueID/sequence`` of its messages, 0 without any: names made after it ascend.
  package var greatestSequence: Int64 { queue.withLock { $0.order.last?.sequence ?? 0 } }
}

extension InMemoryQueue {
  func reopened() -> InMemoryQueue {
    var queue = self
    (queue.bodies, queue.bodyOctets) = ([:], 0)
    queue.ledger = ClaimLedger(limits: limits)
    for id in order {
      guard let message = messages[id.sequence], !message.status.isFinal else { continue }
      queue.ledger.insert(message.entry)
    }
    return queue
  }
}
