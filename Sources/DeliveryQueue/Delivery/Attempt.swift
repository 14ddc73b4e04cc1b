import MailModel
import Synchronization

/// One claim on its way from the content to the settlement.
final class Attempt: Sendable {
  private let claim: Claim
  private let store: any QueueStore
  private let transport: any DeliveryTransport
  private let time: any TimeSource
  private let configuration: DeliveryConfiguration
  private let log: DeliveryLog
  private let metrics: DeliveryMetrics
  private let pool: WorkerPool
  private let isLost = Mutex(false)

  init(
    of claim: Claim, store: any QueueStore, transport: any DeliveryTransport, time: any TimeSource,
    configuration: DeliveryConfiguration, log: DeliveryLog, metrics: DeliveryMetrics, pool: WorkerPool
  ) {
    (self.claim, self.store, self.transport, self.time) = (claim, store, transport, time)
    (self.configuration, self.log, self.metrics, self.pool) = (configuration, log, metrics, pool)
  }

  /// Delivers, frees its worker, and settles. Cancelling the task means that the service must stop.
  func run() async {
    metrics.begun()
    defer { metrics.ended() }
    let delivery = Task { await self.deliver() }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.hold(during: delivery) }
      let report = await withTaskCancellationHandler {
        await delivery.value
      } onCancel: {
        delivery.cancel()
      }
      pool.beginSettling()
      let settlement = settlement(of: report, isCutOff: Task.isCancelled)
      let end = await settle(settlement)
      group.cancelAll()
      // What can never be recorded must not be delivered again either, as long as we can see to that.
      pool.end(claim.token, keeps: end == .impossible, leavesWork: end != .done || settlement.leavesWork(of: claim))
    }
  }

  private func deliver() async -> DeliveryReport {
    let start = ContinuousClock.now
    defer { metrics.attempted(in: start.duration(to: .now)) }
    do {
      let content = try await store.content(of: claim.id)
      return await transport.deliver(claim, content: content)
    } catch {
      if !Task.isCancelled { log.contentUnreadable(error, of: claim.id) }
      return .deferral(of: claim, because: "The stored message cannot be read")
    }
  }

  /// Extends the claim at half of its lease, again and again, and cancels the delivery when it takes too long or the
  /// claim is lost. Ends when its own task is cancelled.
  private func hold(during delivery: Task<DeliveryReport, Never>) async {
    let start = time.now()
    var overdue: Timestamp? = start + configuration.attemptLimit
    var nextExtension = start + configuration.lease / 2
    while (try? await time.sleep(until: min(overdue ?? nextExtension, nextExtension))) != nil {
      let now = time.now()
      if let end = overdue, end <= now {
        overdue = nil
        log.attemptOverdue(of: claim.id)
        delivery.cancel()
      }
      guard nextExtension <= now else { continue }
      do {
        let leasedUntil = now + configuration.lease
        guard try await !store.extend([claim.token], until: leasedUntil).isEmpty else {
          isLost.withLock { $0 = true }
          return delivery.cancel()
        }
        pool.extend([claim.token], held: [claim.token], until: leasedUntil)
        nextExtension = now + configuration.lease / 2
      } catch {
        log.extendFailed(error, of: claim.id)
        nextExtension = now + configuration.pauseAfterFailure
      }
    }
  }
}

// MARK: - Settling

extension Attempt {
  /// What came of settling.
  private enum Settling {
    /// It is recorded, or was for somebody else to record.
    case done
    /// The store may take it later.
    case failed
    /// The store will never take it.
    case impossible
  }

  private func settlement(of report: DeliveryReport, isCutOff: Bool) -> Settlement {
    let now = time.now()
    if report.outcomes.count != claim.recipients.count { log.outcomesMissing(of: claim.id) }
    if let problem = report.hostProblem { log.hostProblem(problem, of: claim.id, at: now) }
    return report.settlement(
      of: claim, at: now, schedule: configuration.schedule, chance: configuration.chance(), isCutOff: isCutOff)
  }

  private func settle(_ settlement: Settlement) async -> Settling {
    var result = await tryToSettle(settlement)
    guard result == .failed else { return result }
    pool.beginTrouble()
    defer { pool.endTrouble() }
    while result == .failed {
      guard (try? await time.sleep(until: time.now() + configuration.pauseAfterFailure)) != nil else {
        log.settlementGivenUp(of: claim.id)
        return .failed
      }
      result = await tryToSettle(settlement)
    }
    return result
  }

  private func tryToSettle(_ settlement: Settlement) async -> Settling {
    guard !isLost.withLock({ $0 }) else {
      log.claimLost(of: claim.id)
      return .done
    }
    do {
      // In a task of its own: what is known is recorded, also when the service has been cancelled.
      try await Task { [store] in try await store.settle(settlement) }.value
      log.settled(settlement, of: claim)
      metrics.settled(settlement, of: claim)
      return .done
    } catch let error as QueueError where error.code == .claimLost {
      log.claimLost(of: claim.id)
      return .done
    } catch let error as QueueError where error.isPermanent {
      log.settlementImpossible(error, of: claim.id)
      return .impossible
    } catch {
      log.settleFailed(error, of: claim.id)
      return .failed
    }
  }
}

extension Settlement {
  /// Whether something is due after it, sooner or later: a recipient that is tried again, or a new message.
  fileprivate func leavesWork(of claim: Claim) -> Bool {
    changes.count < claim.recipients.count || changes.contains { !$0.state.isFinal } || !newMessages.isEmpty
  }
}

extension QueueError {
  /// Whether the same settlement would fail for ever.
  fileprivate var isPermanent: Bool {
    switch code {
    case .closed, .damaged, .invalidMessage, .noSuchMessage: true
    default: false
    }
  }
}
