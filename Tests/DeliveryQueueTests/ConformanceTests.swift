import DeliveryQueue
import SMTPTesting
import Testing

/// The conformance finds what a store does wrong.
@Suite struct ConformanceTests {
  @Test(arguments: [
    (BrokenStore.Flaw.settlesTwice, QueueStoreConformance.Check.settlementIsMadeOnce),
    (.settlesTwice, .leaseExpiry),
    (.listsEverything, .selection),
    (.listsOneMessageTwice, .selectionPaging), (.listsOneMessageTwice, .paging),
    (.countsNoPostmaster, .selection), (.countsNoPostmaster, .groups), (.sortsGroupsByName, .groups),
    (.summaryForgetsHeld, .summary), (.summaryCountsHistory, .summary),
    (.ordersDoNothing, .orders), (.ordersDoNothing, .largeOrders), (.ordersOverlookHeld, .orders),
    (.ordersForgetNames, .orderRecords), (.ordersIgnoreDestinations, .orderSelection),
    (.ordersReachAHundred, .largeOrders), (.orderedContentStays, .contentGoesWithOrder),
    (.orderedContentStays, .contentGoesWithLastRecipient), (.claimsReleaseHeld, .holds),
    (.releasesLate, .ordersMakeDue),
    (.namesNoClaims, .ordersLeaveClaimsAlone), (.removesLater, .ordersAndDeliveries),
    (.forgetsOrdersAtReopening, .ordersReopening),
  ])
  func findsTheFlaw(_ flaw: BrokenStore.Flaw, _ check: QueueStoreConformance.Check) async {
    let conformance = QueueStoreConformance {
      BrokenStore(flaw)
    } reopen: { store in
      try await (store as? BrokenStore)?.reopened() ?? store
    }
    #expect(await conformance.run(check) != [])
  }
}
