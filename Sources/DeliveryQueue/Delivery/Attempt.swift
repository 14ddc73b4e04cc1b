import MailModel
import Synchronization

/// One claim on its way from the content to the settlement.
final class Attempt: Sendable {
  private struct State {
    var delivery: Task<DeliveryReport, Never>?
    var isCancelled = false
    var isClaimLost = false
  }
  private let claim: Claim
  private let store: any QueueStore
  private let transport: any DeliveryTransport
  private let time: any TimeSource
  private let configuration: DeliveryConfiguration
  private let log: DeliveryLog
  private let metrics: DeliveryMetrics
  private let pool: WorkerPool
  private let leases: LeaseKeeper
  private let state = Mutex(State())

  init(
    of claim: Claim, store: any QueueStore, transport: any DeliveryTransport, time: any TimeSource,
    configuration: DeliveryConfiguration, log: DeliveryLog, metrics: DeliveryMetrics, pool: WorkerPool,
    leases: LeaseKeeper
  ) {
    (self.claim, self.store, self.transport, self.time) = (claim, store, transport, time)
    (self.configuration, self.log, self.metrics) = (configuration, log, metrics)
    (self.pool, self.leases) = (pool, leases)
  }

  /// The message.
  var id: QueueID { claim.id }

  /// Delivers, settles, and frees its worker. Cancelling the task means that the service must stop.
  func run() async {
    metrics.begun()
    defer { metrics.ended() }
    let report = await withTaskCancellationHandler {
      await begin().value
    } onCancel: {
      cancel()
    }
    pool.beginSettling()
    let settlement = settlement(of: report, isCutOff: Task.isCancelled)
    let end = await settle(settlement)
    // What can never be recorded must not be delivered again either, as long as we can see to that.
    leases.end(claim.token, keeps: end == .impossible)
    pool.end(leavesWork: end != .done || settlement.leavesWork(of: claim))
  }

  /// Ends the delivery soon, with what is known by then.
  func cancel() {
    let delivery = state.withLock { state in
      state.isCancelled = true
      return state.delivery
    }
    delivery?.cancel()
  }

  /// Somebody else may hold the claim by now: what comes of the delivery is theirs to record.
  func loseClaim() {
    state.withLock { $0.isClaimLost = true }
    cancel()
  }

  /// Begins the delivery in a task of its own, since it can be cancelled apart from the settlement.
  private func begin() -> Task<DeliveryReport, Never> {
    let delivery = Task { await deliver() }
    let isCancelled = state.withLock { state in
      state.delivery = delivery
      return state.isCancelled
    }
    if isCancelled { delivery.cancel() }
    return delivery
  }

  private func deliver() async -> DeliveryReport {
    do {
      let content = try await store.content(of: claim.id)
      let start = ContinuousClock.now
      defer { metrics.attempted(in: start.duration(to: .now)) }
      return await transport.deliver(claim, content: content)
    } catch {
      if !Task.isCancelled { log.contentUnreadable(error, of: claim.id) }
      return .deferral(of: claim, because: "The stored message cannot be read")
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
    guard !state.withLock({ $0.isClaimLost }) else {
      log.claimLost(of: claim.id)
      return .done
    }
    do {
      try await record(settlement)
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

extension Attempt {
  /// Records what is known, also when the service has been cancelled.
  private func record(_ settlement: Settlement) async throws {
    do {
      try await store.settle(settlement)
    } catch is CancellationError {
      try await Task { [store] in try await store.settle(settlement) }.value
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
