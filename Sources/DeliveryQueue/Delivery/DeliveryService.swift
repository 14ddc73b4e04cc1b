public import Logging
public import MailModel
public import Metrics
public import ServiceLifecycle

/// Takes due messages from a ``QueueStore``, has a ``DeliveryTransport`` attempt them, and settles what came of it.
///
/// It claims no more than it has free workers for, so its memory does not grow with the queue. A graceful shutdown ends
/// the claiming; attempts under way may end within ``DeliveryConfiguration/shutdownDeadline``, the rest goes back
/// unharmed. Cancelling the task that runs it cancels the attempts at once.
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
  private let alarm: Alarm

  /// A service that delivers once ``run()`` is called.
  ///
  /// - Parameters:
  ///   - store: where the messages are.
  ///   - transport: who delivers them; called from as many tasks at once as there are workers.
  ///   - time: the system's clock unless a test brings its own.
  ///   - configuration: limits and periods.
  ///   - logger: hears of failures, and what became of each recipient; addresses are shown as
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
    let pool = WorkerPool(size: configuration.workers)
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
  public func run() async throws {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.awaitShutdown() }
      group.addTask { await self.leases.run() }
      await work()
      group.cancelAll()
      alarm.turnOff()
    }
  }

  private func awaitShutdown() async {
    do {
      try await gracefulShutdown()
      pool.stop()
      try await time.sleep(until: time.now() + configuration.shutdownDeadline)
      pool.endDeadline()
    } catch {
      // Cancelled: the work has ended, or ends by cancellation itself.
    }
  }

  private func work() async {
    await withDiscardingTaskGroup { workers in
      while !pool.isStopping, !Task.isCancelled {
        let free = pool.free
        guard free > 0 else {
          await pool.bell.wait()
          continue
        }
        await claim(free) { attempt in workers.addTask { await attempt.run() } }
      }
      while pool.isBusy, !pool.isDeadlineOver, !Task.isCancelled { await pool.bell.wait() }
      workers.cancelAll()
    }
  }

  /// Claims so many messages at most and starts them; then waits until there may be more, if there were fewer.
  private func claim(_ limit: Int, start: (Attempt) -> Void) async {
    let now = time.now()
    do {
      let request = ClaimRequest(limit: limit, now: now, leasedUntil: now + configuration.lease)
      try await leases.extend(at: now)
      let batch = try await store.claim(request)
      for claim in batch.claims {
        let attempt = Attempt(
          of: claim, store: store, transport: transport, time: time, configuration: configuration, log: log,
          metrics: metrics, pool: pool, leases: leases)
        pool.begin()
        leases.begin(attempt, for: claim.token, at: now)
        start(attempt)
      }
      guard batch.claims.count < limit else { return }
      alarm.set(nextLook(after: batch, at: now))
      await pool.bell.wait()
    } catch {
      log.claimFailed(error)
      await pause()
    }
  }

  private func nextLook(after batch: ClaimBatch, at now: Timestamp) -> Timestamp {
    let poll = now + configuration.pollInterval
    guard let due = batch.nextDue else { return poll }
    // A store that gives nothing, though it says that something is due, is not asked again at once.
    return min(batch.claims.isEmpty && due <= now ? now + configuration.pauseAfterFailure : due, poll)
  }

  /// Lets some time pass, whoever rings meanwhile, unless the service is to stop.
  private func pause() async {
    let end = time.now() + configuration.pauseAfterFailure
    while time.now() < end, !pool.isStopping, !Task.isCancelled {
      alarm.set(end)
      await pool.bell.wait()
    }
  }
}
