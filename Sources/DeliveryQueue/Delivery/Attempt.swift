import MailModel
import Synchronization

/// One claim on its way from the content to the settlement.
final class Attempt: Sendable {
  private struct State {
    var isCancelled = false
    var isClaimLost = false
    var isOverdue = false
  }
  private let claim: Claim
  private let context: Context
  private let state = Mutex(State())
  /// Rings when the delivery has ended, or is to end.
  private let bell = Doorbell()

  /// What all attempts of a service have in common.
  struct Context: Sendable {
    var store: any QueueStore
    var transport: any DeliveryTransport
    var time: any TimeSource
    var configuration: DeliveryConfiguration
    var log: DeliveryLog
    var metrics: DeliveryMetrics
    var pool: WorkerPool
    var leases: LeaseKeeper
  }

  init(of claim: Claim, in context: Context) { (self.claim, self.context) = (claim, context) }

  /// The message.
  var id: QueueID { claim.id }

  /// Delivers, settles, and frees its worker. Cancelling the task means that the service must stop. Where it stops already,
  /// nothing is begun and the claim goes back as it was.
  func run() async {
    context.metrics.begun()
    defer { context.metrics.ended() }
    let isBegun = !context.pool.isStopping && !Task.isCancelled
    let report = isBegun ? await report() : .deferral(of: claim, because: "The service stops", condition: .unknown)
    let isCutOff = !isBegun || Task.isCancelled
    context.pool.beginSettling(end(report, isCutOff: isCutOff))
    let result = result(report, isCutOff: isCutOff)
    let end = await settle(result)
    // What can never be recorded must not be delivered again either, as long as we can see to that.
    context.leases.end(claim.token, keeps: end == .impossible)
    context.pool.end(leavesWork: end != .done || result.settlement.leavesWork(of: claim))
  }

  /// Ends the delivery soon, with what is known by then.
  func cancel() {
    state.withLock { $0.isCancelled = true }
    bell.ring()
  }

  /// Ends the delivery, which has lasted too long.
  func endOverdue() {
    state.withLock { $0.isOverdue = true }
    cancel()
  }

  /// Somebody else may hold the claim by now: what comes of the delivery is theirs to record.
  func loseClaim() {
    state.withLock { $0.isClaimLost = true }
    cancel()
  }

  private func report() async -> DeliveryReport {
    if let reason = claim.suspension { return .deferral(of: claim, because: reason, condition: .failed(reason)) }
    return await cancellableDelivery()
  }

  /// Delivers in a child task, which can be cancelled apart from the settlement.
  private func cancellableDelivery() async -> DeliveryReport {
    await withTaskGroup(of: DeliveryReport.self) { delivery in
      delivery.addTask {
        defer { self.bell.ring() }
        return await self.deliver()
      }
      await bell.wait()
      if state.withLock({ $0.isCancelled }) { delivery.cancelAll() }
      return await delivery.next() ?? DeliveryReport(outcomes: [])
    }
  }

  private func deliver() async -> DeliveryReport {
    do {
      let content = try await context.store.content(of: claim.id)
      let start = ContinuousClock.now
      defer { context.metrics.attempted(in: start.duration(to: .now)) }
      return await context.transport.deliver(claim, content: content)
    } catch {
      if !Task.isCancelled { context.log.contentUnreadable(error, of: claim.id) }
      return .deferral(of: claim, because: "The stored message cannot be read", condition: .unknown)
    }
  }

  /// What the next claim is told. What was not to be delivered, and what we cut off in order to stop, or because the claim is
  /// another's, tells nothing of the site; what lasts too long does.
  private func end(_ report: DeliveryReport, isCutOff: Bool) -> DeliveryEnd {
    guard claim.suspension == nil else { return DeliveryEnd(token: claim.token, condition: .unknown) }
    let state = state.withLock { $0 }
    var condition = isCutOff || state.isClaimLost ? .unknown : report.condition
    // Who is cancelled cannot know that it was for the host's slowness.
    if state.isOverdue, !isCutOff, condition == .unknown { condition = .failed("A delivery lasted longer than it may") }
    return DeliveryEnd(token: claim.token, condition: condition)
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

  private func result(_ report: DeliveryReport, isCutOff: Bool) -> AttemptResult {
    let now = context.time.now()
    if report.outcomes.count != claim.recipients.count { context.log.outcomesMissing(of: claim.id) }
    if let problem = report.hostProblem { context.log.hostProblem(problem, of: claim.id, at: now) }
    return report.result(
      of: claim, at: now, schedule: context.configuration.schedule, chance: context.configuration.chance(),
      isCutOff: isCutOff)
  }

  private func settle(_ result: AttemptResult) async -> Settling {
    var end = await tryToSettle(result)
    guard end == .failed else { return end }
    context.pool.beginTrouble()
    defer { context.pool.endTrouble() }
    while end == .failed {
      guard (try? await context.time.sleep(for: context.configuration.pauseAfterFailure)) != nil else {
        context.log.settlementGivenUp(of: claim.id)
        return .failed
      }
      end = await tryToSettle(result)
    }
    return end
  }

  private func tryToSettle(_ result: AttemptResult) async -> Settling {
    guard !state.withLock({ $0.isClaimLost }) else {
      context.log.claimLost(of: claim.id)
      return .done
    }
    do {
      try await record(result.settlement)
      context.log.settled(result, of: claim)
      context.metrics.settled(result, of: claim)
      return .done
    } catch let error as QueueError where error.code == .claimLost {
      context.log.claimLost(of: claim.id)
      return .done
    } catch let error as QueueError where error.isPermanent {
      context.log.settlementImpossible(error, of: claim.id)
      return .impossible
    } catch {
      context.log.settleFailed(error, of: claim.id)
      return .failed
    }
  }

  /// Records what is known, also when the service has been cancelled.
  ///
  /// A store that answers cancellation by `CancellationError` is asked again by a task of its own, the only one that a service
  /// begins outside its tree of tasks, since whatever is in the tree is cancelled with it. The stores of this package
  /// settle whether or not the caller is cancelled.
  private func record(_ settlement: Settlement) async throws {
    do {
      try await context.store.settle(settlement)
    } catch is CancellationError {
      try await Task { [store = context.store] in try await store.settle(settlement) }.value
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
