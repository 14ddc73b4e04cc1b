import DeliveryQueue
import SMTPProtocolTesting
import SMTPSubmission
import Testing

/// What messages hold in memory together, and what they do not.
@Suite struct WindowTests {
  private func field(octets: Int) -> String { "X: " + String(repeating: "x", count: octets - 5) + "\r\n" }

  private func begin(_ driver: SessionDriver<SubmissionService>, with content: String) async {
    _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
    _ = await driver.send(content)
  }

  @Test(arguments: [(-1, true), (0, true), (1, false)])
  func theWindowsOfAllMessagesAreCountedTogether(excess: Int, isTaken: Bool) async throws {
    let deployment = try await Deployment(change: { $0.intake.memoryInAll = 1000 })
    let (first, second) = (try await deployment.session(), try await deployment.session())
    await begin(first, with: field(octets: 600))
    let reply = await deployment.send(field(octets: 400 + excess), by: second)
    #expect(reply.hasPrefix(isTaken ? "250 " : "452 4.3.1 "))
    #expect(await first.send(".\r\n").hasPrefix("250 "), "the refusal of one is nothing to the other")
    #expect(await deployment.send(field(octets: 1000), by: second).hasPrefix("250 "), "all is given back")
  }

  @Test func whatIsInTheSpoolIsInNobodysWindow() async throws {
    let deployment = try await Deployment(change: {
      $0.intake.memoryInAll = 8_000
      $0.intake.memoryPerMessage = 4_000
    })
    let driver = try await deployment.session()
    await begin(driver, with: "Subject: x\r\n\r\n")
    let piece = String(repeating: "a line of text, so long\r\n", count: 40)
    for _ in 0..<200 { _ = await driver.send(piece) }
    let reply = await driver.send(".\r\n")
    #expect(reply.hasPrefix("250 "))
    let content = try await deployment.content(queuedBy: reply)
    #expect(content.hasSuffix("\r\n\r\n" + String(repeating: piece, count: 200)))
  }

  @Test func aMessageThatFindsNoRoomForItsNextWindowIsRefusedWhole() async throws {
    let deployment = try await Deployment(change: {
      $0.intake.memoryInAll = 8_000
      $0.intake.memoryPerMessage = 4_000
    })
    let (large, other) = (try await deployment.session(), try await deployment.session())
    await begin(large, with: "Subject: x\r\n\r\n")
    let piece = String(repeating: "a line of text, so long\r\n", count: 40)
    for _ in 0..<10 { _ = await large.send(piece) }
    await begin(other, with: field(octets: 6_000))
    for _ in 0..<10 { _ = await large.send(piece) }
    #expect(await large.send(".\r\n").hasPrefix("452 4.3.1 "))
    #expect(await other.send(".\r\n").hasPrefix("250 "))
    #expect(try await deployment.memory.messages(after: nil, limit: 10).count == 1)
    #expect(await deployment.send(field(octets: 8_000), by: large).hasPrefix("250 "), "all is given back")
  }
}
