public import Logging
public import MailModel
public import Metrics
public import ServiceLifecycle

/// Takes due messages from a ``QueueStore``, has a ``DeliveryTransport`` attempt them, and settles what came of it.
///
/// It claims no more than it has free workers for, so its memory does not grow with the queue. How many of them are for one
/// site and one tenant, and when a site is left alone, is the store's to see to, by the ``DeliveryConfiguration/rules`` and by
/// what each attempt tells of its site. A graceful shutdown ends the claiming; nothing is begun any more, attempts under way may end
/// within ``DeliveryConfiguration/shutdownDeadline``, the rest goes back unharmed. Cancelling the task that runs it cancels
/// the attempts at once.
///
/// While the store fails, nothing is claimed; an outcome that could not be recorded is tried again until it is.
public final class DeliveryService: Service {
  private let store: any QueueStore
  private let transport: any DeliveryTransport
  private let time: any TimeSource
  private let configuration: DeliveryConfiguration
  private let log: DeliveryLog
  private let metrics: DeliveryMetrics
  private let pool: WorkerPool
  private let leases: LeaseKeeper
  /// Rings the pool's bell when something may be due.
  /// Rings when a graceful shutdown begins.
  private let stopping = Doorbell()
  private let alarm: Alarm

  /// A service that delivers once ``run()`` is called.
  ///
  /// - Parameters:
  ///   - store: where the messages are.
  ///   - transport: who delivers them; called from as many tasks at once as there are workers.
  ///   - time: the system's clocks unless a test brings its own.
  ///   - configuration: limits and periods.
  ///   - logger: hears of failures, of sites that are left alone, and what became of each recipient; addresses are shown as
  ///     ``DeliveryConfiguration/addressesInLog`` says.
  ///   - metrics: where attempts are counted; by default what the process has bootstrapped by now.
  public init(
    store: any QueueStore, transport: any DeliveryTransport, time: any TimeSource = SystemTime(),
    configuration: DeliveryConfiguration = DeliveryConfiguration(), logger: Logger,
    metrics: any MetricsFactory = MetricsSystem.factory
  ) {
    (self.store, self.transport, self.time) = (store, transport, time)
    self.configuration = configuration.sane
    let log = DeliveryLog(logger, addresses: configuration.addressesInLog)
    self.log = log
    self.metrics = DeliveryMetrics(metrics)
    let pool = WorkerPool(size: configuration.workers, outcomes: configuration.unrecordedOutcomes)
    self.pool = pool
    leases = LeaseKeeper(store: store, time: time, configuration: configuration.sane, log: log)
    alarm = Alarm(by: time) { pool.bell.ring() }
  }

  /// What is kept, from the queue on, of what a message may ask of everybody on its way: what the transport keeps, but
  /// for DSN, since nobody makes the reports of RFC 3461 §5.2 of what is given up here, or handed to a host without DSN.
  public var extensions: MailExtensions { transport.extensions.subtracting(.deliveryStatusNotifications) }

  /// Says that something may be due that was not before: after an enqueue, for instance. Cheap, never blocks; many
  /// calls count as one.
  public func wake() { pool.bell.ring() }

  /// Delivers until a graceful shutdown or until the task is cancelled. May be called once.
  ///
  /// All it does runs in child tasks of the caller's, and so on the executor that the caller prefers; but for the work of the
  /// store, the transport and the time, which is theirs.
  public func run() async throws {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.awaitShutdown() }
      group.addTask { await self.leases.run() }
      group.addTask { await self.alarm.run() }
      await work()
      group.cancelAll()
    }
  }

  private func awaitShutdown() async {
    // Not by `gracefulShutdown()`, which has tasks of its own that belong to no tree.
    await withGracefulShutdownHandler {
      await stopping.wait()
    } onGracefulShutdown: {
      self.beginShutdown()
    }
    // Cancelled, the work has ended, or ends by cancellation itself.
    guard !Task.isCancelled else { return }
    pool.stop()
    if (try? await time.sleep(for: configuration.shutdownDeadline)) != nil { pool.endDeadline() }
  }

  /// What a graceful shutdown of the service's group does, for those who have no group.
  package func beginShutdown() { stopping.ring() }

  private func work() async {
    let context = Attempt.Context(
      store: store, transport: transport, time: time, configuration: configuration, log: log, metrics: metrics,
      pool: pool, leases: leases)
    await withDiscardingTaskGroup { workers in
      while !pool.isStopping, !Task.isCancelled {
        let free = pool.free
        guard free > 0 else {
          await pool.bell.wait()
          continue
        }
        await claim(free) { claim, now in
          let attempt = Attempt(of: claim, in: context)
          pool.begin()
          leases.begin(attempt, for: claim.token, at: now)
          workers.addTask { await attempt.run() }
        }
      }
      while pool.isBusy, !pool.isDeadlineOver, !Task.isCancelled { await pool.bell.wait() }
      workers.cancelAll()
    }
  }

  /// Claims so many messages at most and starts them; then waits until there may be more, if there were fewer.
  private func claim(_ limit: Int, start: (Claim, Timestamp) -> Void) async {
    let now = time.now()
    do {
      try await leases.extend(at: now)
      let request = request(limit, at: now)
      let batch = try await store.claim(request)
      let isMoreDue = pool.answered(reporting: request.ended.count, awaitsEnd: batch.awaitsEnd)
      for claim in batch.claims { start(claim, now) }
      tell(batch)
      guard batch.claims.count < limit, !isMoreDue else { return }
      alarm.set(nextLook(after: batch, at: now))
      await pool.bell.wait()
    } catch {
      log.claimFailed(error)
      await pause()
    }
  }

  private func request(_ limit: Int, at now: Timestamp) -> ClaimRequest {
    var request = ClaimRequest(limit: limit, now: now, leasedUntil: now + configuration.lease)
    request.rules = configuration.rules
    request.site = { [transport] in transport.site(of: $0) }
    request.ended = pool.ended
    return request
  }

  private func tell(_ batch: ClaimBatch) {
    for change in batch.siteChanges { log.changed(change) }
    metrics.paused(sites: batch.pausedSites)
  }

  private func nextLook(after batch: ClaimBatch, at now: Timestamp) -> Timestamp {
    let poll = now + configuration.pollInterval
    guard let due = batch.nextDue else { return poll }
    // A store that gives nothing, though it says that something is due, is not asked again at once.
    return min(batch.claims.isEmpty && due <= now ? now + configuration.pauseAfterFailure : due, poll)
  }

  /// Lets some time pass, whoever rings meanwhile, unless the service is to stop.
  private func pause() async {
    let end = time.uptime() + configuration.pauseAfterFailure
    while case let rest = end - time.uptime(), rest > .zero, !pool.isStopping, !Task.isCancelled {
      // The calendar knows no part of a millisecond; a moment early, this would spin until its end.
      alarm.set(time.now() + rest.roundedUp)
      await pool.bell.wait()
    }
  }
}
