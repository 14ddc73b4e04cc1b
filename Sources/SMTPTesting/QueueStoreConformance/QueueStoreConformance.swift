public import DeliveryQueue

/// What a ``QueueStore``, its ``QueueInspection`` and, where it has that, its ``QueueControl`` promise, as checks that a
/// host runs against its own.
///
/// ```swift
/// let conformance = QueueStoreConformance { try await MyStore(temporaryDatabase()) }
///
/// @Test(arguments: QueueStoreConformance.Check.allCases)
/// func conforms(_ check: QueueStoreConformance.Check) async {
///   #expect(await conformance.run(check) == [])
/// }
/// ```
public struct QueueStoreConformance: Sendable {
  /// A store to be checked.
  public typealias Store = any QueueStore & QueueInspection

  /// One that takes orders.
  typealias ControlledStore = any QueueStore & QueueInspection & QueueControl

  /// One promise, or a few that belong together.
  @nonexhaustive public enum Check: String, CaseIterable, Sendable {
    /// What was queued is claimed, and a claim holds all that a delivery needs.
    case claimGivesWhatWasQueued
    /// The longest due comes first, and no more than asked for.
    case claimOrderAndLimit
    /// What is claimed is not claimed again.
    case noDoubleClaim
    /// A lease that runs out frees the message, and the claim is lost.
    case leaseExpiry
    /// An extended lease holds longer.
    case leaseExtension
    /// A settlement counts once.
    case settlementIsMadeOnce
    /// A deferral is due when it says, alone.
    case deferral
    /// A claimed recipient without a change goes back as it was.
    case settlementWithoutChanges
    /// No recipient leaves a final state.
    case finalStatesAreFinal
    /// New messages are queued with the settlement.
    case newMessagesOfSettlement
    /// A settlement that cannot be kept as a whole is not kept at all.
    case settlementIsAtomic
    /// A message whose recipients are at two sites is claimed for each by itself, at once, and settled in either order.
    case claimsOfSites
    /// A settlement changes nothing of recipients outside its claim.
    case settlementOfOneSite
    /// Claims of one message that are settled at the same moment: each recipient ends once, and the content with the last.
    case settlementsAtOnce
    /// Recipients of a message at destinations of one site are claimed together.
    case destinationsOfOneSite
    /// A site has no more deliveries than it may, and an end makes room before it is settled, once.
    case siteLimit
    /// A site begins with few deliveries, has more as they work, and fewer when it is busy.
    case slowStart
    /// A tenant has no more deliveries than it may, and leaves room for others where it is to.
    case tenantLimit
    /// Tenants come in turn, and of a tenant its sites.
    case turns
    /// What is urgent goes first, of one tenant.
    case priorities
    /// A site that fails is left alone, probed by one message, and resumed when that works.
    case pauses
    /// What has waited too long for a paused site is given to be put off.
    case suspensions
    /// Content is read whole and in parts.
    case contentReads
    /// Content goes with the last recipient.
    case contentGoesWithLastRecipient
    /// Bodies written through the spool.
    case spooledBodies
    /// What breaks a rule is refused, and nothing of it is kept.
    case refusals
    /// A status tells everything, to who knows the whole queue ID.
    case status
    /// Every form of address survives.
    case addresses
    /// Everything that a sender can ask for a message or a recipient reaches the claim as it was asked, also that of a later
    /// attempt.
    case parameters
    /// Lists in the order of queue IDs, page by page.
    case paging
    /// Counts by state.
    case counts
    /// Lists and counts show what is selected, by every part of a selection and by several together.
    case selection
    /// Pages of a selection join, also where little is selected among much.
    case selectionPaging
    /// Counts by tenant and destination, the greatest first.
    case groups
    /// The summary is of what is not final.
    case summary
    /// Many tasks at once: each message is claimed once.
    case concurrency
    /// A cancelled caller tears nothing.
    case cancellation
    /// Each order changes recipients in the states that it concerns, in the way it says, and no others. Like all checks
    /// of orders, only where the store is a ``QueueControl``.
    case orders
    /// Who gave the last order, why and when stays with the recipient.
    case orderRecords
    /// An order changes the selected recipients alone, within a message too.
    case orderSelection
    /// What is held is not attempted until it is released, whatever becomes of the message's other recipients.
    case holds
    /// Release and retry make due at once.
    case ordersMakeDue
    /// Content goes with the last recipient also where an order ends it.
    case contentGoesWithOrder
    /// What a delivery holds is left alone, and named.
    case ordersLeaveClaimsAlone
    /// A message that is claimed for one site is left alone whole; parts that an order brings back are due by themselves.
    case ordersAndSites
    /// An order reaches all of many messages.
    case largeOrders
    /// Orders, claims and settlements at once: each message ends once, and none is claimed when it was removed before.
    case ordersAndDeliveries
    /// What orders did is there after the store was opened again. Checked only where the conformance was given a way to
    /// open it again.
    case ordersReopening
    /// What is left of a message at each of its sites, and its priority, are there after the store was opened again. Checked
    /// only where the conformance was given a way to open it again.
    case sitesReopening
    /// What was acknowledged is there after the store was opened again, and its claims are free. Checked only where the
    /// conformance was given a way to open it again.
    case reopening
  }

  /// A promise that was not kept.
  public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which.
    public var check: Check
    /// In what way.
    public var message: String
    /// Check and message.
    public var description: String { "\(check.rawValue): \(message)" }
  }

  let makeStore: @Sendable () async throws -> Store
  let reopen: (@Sendable (Store) async throws -> Store)?

  /// A conformance of the stores that a closure makes.
  ///
  /// - Parameters:
  ///   - makeStore: gives an empty store; called once for each check. It takes at least 1,000 messages and 4 MiB.
  ///   - reopen: ends a store, as a crash would if that can be done, and gives another over what it kept; `nil` where
  ///     a store is not durable.
  public init(
    makeStore: @escaping @Sendable () async throws -> Store,
    reopen: (@Sendable (Store) async throws -> Store)? = nil
  ) {
    (self.makeStore, self.reopen) = (makeStore, reopen)
  }

  /// Runs one check on a new store.
  ///
  /// - Returns: nothing where the store keeps its promise.
  public func run(_ check: Check) async -> [Failure] {
    let probe = Probe(check)
    do {
      try await run(check, on: try await makeStore(), probe)
    } catch {
      probe.fail("threw \(error)")
    }
    return probe.failures
  }

  /// Runs all checks, each on a new store.
  public func run() async -> [Failure] {
    var failures: [Failure] = []
    for check in Check.allCases { failures += await run(check) }
    return failures
  }

  private func run(_ check: Check, on store: Store, _ probe: Probe) async throws {
    switch check {
    case .claimGivesWhatWasQueued: try await claimGivesWhatWasQueued(store, probe)
    case .claimOrderAndLimit: try await claimOrderAndLimit(store, probe)
    case .noDoubleClaim: try await noDoubleClaim(store, probe)
    case .leaseExpiry: try await leaseExpiry(store, probe)
    case .leaseExtension: try await leaseExtension(store, probe)
    case .settlementIsMadeOnce: try await settlementIsMadeOnce(store, probe)
    case .deferral: try await deferral(store, probe)
    case .settlementWithoutChanges: try await settlementWithoutChanges(store, probe)
    case .finalStatesAreFinal: try await finalStatesAreFinal(store, probe)
    case .newMessagesOfSettlement: try await newMessagesOfSettlement(store, probe)
    case .settlementIsAtomic: try await settlementIsAtomic(store, probe)
    case .claimsOfSites: try await claimsOfSites(store, probe)
    case .settlementOfOneSite: try await settlementOfOneSite(store, probe)
    case .settlementsAtOnce: try await settlementsAtOnce(store, probe)
    case .destinationsOfOneSite: try await destinationsOfOneSite(store, probe)
    case .siteLimit: try await siteLimit(store, probe)
    case .slowStart: try await slowStart(store, probe)
    case .tenantLimit: try await tenantLimit(store, probe)
    case .turns: try await turns(store, probe)
    case .priorities: try await priorities(store, probe)
    case .pauses: try await pauses(store, probe)
    case .suspensions: try await suspensions(store, probe)
    case .contentReads: try await contentReads(store, probe)
    case .contentGoesWithLastRecipient: try await contentGoesWithLastRecipient(store, probe)
    case .spooledBodies: try await spooledBodies(store, probe)
    case .refusals: try await refusals(store, probe)
    case .status: try await status(store, probe)
    case .addresses: try await addresses(store, probe)
    case .parameters: try await parameters(store, probe)
    case .paging: try await paging(store, probe)
    case .counts: try await counts(store, probe)
    case .concurrency: try await concurrency(store, probe)
    case .selection: try await selection(store, probe)
    case .selectionPaging: try await selectionPaging(store, probe)
    case .groups: try await groups(store, probe)
    case .summary: try await summary(store, probe)
    case .cancellation: try await cancellation(store, probe)
    case .reopening: if let reopen { try await reopening(store, probe, reopen) }
    case .sitesReopening: if let reopen { try await sitesReopening(store, probe, reopen) }
    case .orders, .orderRecords, .orderSelection, .holds, .ordersMakeDue, .contentGoesWithOrder,
      .ordersLeaveClaimsAlone, .ordersAndSites, .largeOrders, .ordersAndDeliveries, .ordersReopening:
      if let store = store as? ControlledStore { try await run(check, onControlled: store, probe) }
    }
  }

  private func run(_ check: Check, onControlled store: ControlledStore, _ probe: Probe) async throws {
    switch check {
    case .orders: for action in QueueOrder.Action.allCases { try await orders(action, store, probe) }
    case .orderRecords: try await orderRecords(store, probe)
    case .orderSelection: try await orderSelection(store, probe)
    case .holds: try await holds(store, probe)
    case .ordersMakeDue: try await ordersMakeDue(store, probe)
    case .contentGoesWithOrder: try await contentGoesWithOrder(store, probe)
    case .ordersLeaveClaimsAlone: try await ordersLeaveClaimsAlone(store, probe)
    case .ordersAndSites: try await ordersAndSites(store, probe)
    case .largeOrders: try await largeOrders(store, probe)
    case .ordersAndDeliveries: try await ordersAndDeliveries(store, probe)
    case .ordersReopening: if let reopen { try await ordersReopening(store, probe, reopen) }
    default: break
    }
  }
}
