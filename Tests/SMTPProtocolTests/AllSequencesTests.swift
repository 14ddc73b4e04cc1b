import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import Testing

/// Every sequence of four out of fourteen commands, 38,416 in all, against ``DialogueModel``: every reply's code, what was
/// taken, and that nothing of a message is left behind.
@Suite struct AllSequencesTests {
  typealias Command = DialogueModel.Command

  @Test(arguments: DialogueModel.Start.allCases, Command.allCases)
  func sequencesOfFour(start: DialogueModel.Start, first: Command) async throws {
    var count = 0
    for second in Command.allCases {
      for third in Command.allCases {
        for fourth in Command.allCases {
          try await expectAsModelled([first, second, third, fourth], from: start)
          count += 1
        }
      }
    }
    #expect(count == 14 * 14 * 14)
  }

  private func expectAsModelled(_ commands: [Command], from start: DialogueModel.Start) async throws {
    let (driver, policy) = try server(security: start == .clear ? .startTLSRequired : .implicitTLS)
    var model = DialogueModel(start)
    _ = await driver.connect()
    switch start {
    case .clear: break
    case .authenticated: _ = await driver.send("EHLO x\r\n\(Command.authenticate.rawValue)\r\n")
    case .transaction:
      _ = await driver.send("EHLO x\r\n\(Command.authenticate.rawValue)\r\n")
      _ = await driver.send("\(Command.mail.rawValue)\r\n\(Command.recipient.rawValue)\r\n")
    }
    for (place, command) in commands.enumerated() {
      let codes = try await answers(to: command, from: driver)
      let expected = model.take(command)
      guard codes == expected, driver.isClosed == model.isClosed else {
        Issue.record("\(start): \(commands.prefix(place + 1)) gives \(codes), not \(expected)")
        return
      }
    }
    driver.disconnect()
    let record = policy.record
    guard record.messages.count == model.messages, record.open == 0 else {
      Issue.record("\(start): \(commands) leaves \(record.messages.count) messages, \(record.open) open")
      return
    }
  }

  private func answers(to command: Command, from driver: SessionDriver<RecordingPolicy>) async throws -> [Int] {
    guard !driver.isClosed else { return [] }
    let content = [Command.chunk, .lastChunk].contains(command) ? "ab\r\n" : ""
    var replies = await driver.send("\(command.rawValue)\r\n\(content)")
    if driver.wantsTLS { driver.startTLS() }
    if replies.hasPrefix("354") { replies += await driver.send("ab\r\n.\r\n") }
    return try Self.codes(replies)
  }

  /// The code of each reply, and not of each line.
  private static func codes(_ replies: String) throws -> [Int] {
    try replies.split(separator: "\r\n").filter { !$0.dropFirst(3).hasPrefix("-") }.map { line in
      try #require(Int(line.prefix(3)), "a line without a code: \(line)")
    }
  }
}
