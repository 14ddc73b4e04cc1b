import DeliveryQueue
import Testing

@Suite struct FailureKindTests {
  @Test(arguments: [
    // Greylisters, as they speak.
    ("450 4.2.0 <user@example.org>: Recipient address rejected: Greylisted", FailureKind.greylisting),
    ("451 4.7.1 Greylisting in action, please come back in 00:09:00", .greylisting),
    ("451 4.3.0 Temporarily greylisted as an anti-spam measure", .greylisting),
    ("450 4.7.1 Client host rejected: GreyList learning", .greylisting),
    ("451 4.1.1 gray-listed", .greylisting), ("421 4.7.0 Graylist in effect", .greylisting),
    ("451 Temporary failure, please try again later.", .greylisting), ("450 4.7.0 later", .greylisting),
    ("451 4.7.1 Service unavailable - try again later", .greylisting), ("450", .greylisting),
    // What looks like it and is not.
    ("450 4.2.1 receives mail at a rate that prevents more", .recipient), ("450 4.2.2 full", .recipient),
    ("451 4.7.650 rate limited", .policy), ("450 4.7.25 no reverse name", .policy), ("452 4.2.0 full", .recipient),
    ("451 4.3.0 later", .transaction), ("550 5.7.1 no greylisting here", .policy),
    // By subject.
    ("450 4.1.1 unverified", .recipient), ("452 4.1.10 null MX", .recipient), ("550 5.1.1 unknown", .recipient),
    ("450 4.1.7 sender", .transaction), ("450 4.1.8 sender's domain", .transaction),
    ("452 4.3.1 mail system full", .transaction), ("450 4.3.2 not accepting", .host),
    ("421 4.3.2 shutting down", .host),
    ("451 4.4.1 no answer from host", .host), ("451 4.4.2 bad connection", .host), ("452 4.5.3 too many", .transaction),
    ("451 4.5.0 protocol", .transaction), ("450 4.6.0 content", .transaction), ("554 5.6.0 content", .transaction),
    ("421 4.7.0 unsolicited mail from your address", .policy), ("454 4.7.5 certificate", .host),
    ("550 5.7.26 unauthenticated", .policy), ("451 4.9.0 unheard of", .transaction),
    // By code alone.
    ("421 closing", .host), ("421 4.0.0 closing", .host), ("452 storage", .transaction),
    ("432 transition", .transaction),
    ("454 no TLS now", .host), ("454 4.7.0 temporary authentication failure", .host), ("530 5.7.0 AUTH first", .host),
    ("534 5.7.9 too weak", .host), ("535 5.7.8 credentials", .host), ("538 5.7.11 encryption", .host),
    ("550 no such user", .recipient), ("551 elsewhere", .recipient), ("553 syntax", .recipient),
    ("552 too much", .transaction),
    ("450 4.0.0 mailbox", .recipient),
  ])
  func replies(text: String, kind: FailureKind) throws {
    let code = try #require(UInt16(text.prefix(3)))
    #expect(FailureKind(DeliveryReply(code: code, text: text)) == kind)
    #expect(FailureKind(DeliveryReply(code: code, text: text), at: .working) == kind)
  }

  @Test(arguments: [
    (SiteCondition.failed("refused"), FailureKind.host), (.busy("later"), .host), (.working, .transaction),
    (.unknown, .transaction),
  ])
  func withoutAReplyTheSiteTells(condition: SiteCondition, kind: FailureKind) {
    #expect(FailureKind(DeliveryReply(problem: "450 4.2.0 Greylisted"), at: condition) == kind)
    // A greeting that refuses whatever we say.
    #expect(FailureKind(DeliveryReply(code: 554, text: "554 No SMTP service here"), at: condition) == kind)
  }

  @Test(arguments: ["", " ", "450", "450 ", "450  4.2.0", "450 4.2", "450 4.2.0.", "999 9.9.9 x", "450 4.1000.0 x"])
  func noTextIsTooStrange(text: String) {
    for code in [0, 200, 421, 450, 500, 999, 65_535] as [UInt16] {
      _ = FailureKind(DeliveryReply(code: code, text: text))
    }
  }
}
