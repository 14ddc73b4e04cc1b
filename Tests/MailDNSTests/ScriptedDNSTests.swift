import MailDNS
import MailModel
import SMTPTesting
import Testing

@Suite(.timeLimit(.minutes(10))) struct ScriptedDNSTests {
  @Test func whatExists() async throws {
    let dns = ScriptedDNS()
    dns.set(try name("a.b.example"), texts: "x")
    #expect(await dns.resolve(try question("a.b.example")).records == [.text(DNSText("x"))])
    #expect(await dns.resolve(try question("a.b.example", .a)).outcome == .noRecords)
    #expect(await dns.resolve(try question("b.example")).outcome == .noRecords)
    #expect(await dns.resolve(try question("c.example")).outcome == .noSuchName)
    #expect(await dns.resolve(try question("xa.b.example")).outcome == .noSuchName)
    dns.set(try name("a.b.example"), .txt, [])
    #expect(await dns.resolve(try question("b.example")).outcome == .noSuchName)
    #expect(dns.questions.map(\.description).last == "b.example TXT")
    #expect(dns.questions.count == 6)
  }

  @Test func failsForAWhile() async throws {
    let dns = ScriptedDNS()
    let question = try question()
    dns.set(question.name, texts: "x")
    dns.set(question, .temporaryFailure("SERVFAIL"), times: 2)
    #expect(await dns.resolve(question) == DNSAnswer(.temporaryFailure("SERVFAIL")))
    #expect(await dns.resolve(question).isTemporaryFailure)
    #expect(await dns.resolve(question) == .text("x"))
    dns.set(question, .noSuchName)
    for _ in 0..<3 { #expect(await dns.resolve(question).outcome == .noSuchName) }
    dns.set(question, .noSuchName, times: 0)
    #expect(await dns.resolve(question) == .text("x"))
    dns.set(question, .noRecords)
    dns.set(question.name, texts: "y")
    #expect(await dns.resolve(question) == .text("y"))
  }

  @Test func aNameThatIsSaidNotToExist() async throws {
    let dns = ScriptedDNS()
    dns.set(try question("a.example"), .noSuchName)
    #expect(await dns.resolve(try question("a.example", .a)).outcome == .noSuchName)
    dns.set(try question("b.example"), .temporaryFailure("x"))
    #expect(await dns.resolve(try question("b.example", .a)).outcome == .noRecords)
  }

  @Test func times() async throws {
    let dns = ScriptedDNS()
    dns.set(try name("a.example"), .cname, [.alias(try name("b.example"))], timeToLive: .seconds(20))
    dns.set(try name("b.example"), .txt, [.text(DNSText("x"))], timeToLive: .seconds(30))
    dns.set(try name("c.example"), texts: "y")
    dns.timeToLive = .seconds(40)
    #expect(await dns.resolve(try question("a.example")).timeToLive == .seconds(20))
    #expect(await dns.resolve(try question("b.example")).timeToLive == .seconds(30))
    #expect(await dns.resolve(try question("c.example")).timeToLive == .seconds(40))
    #expect(await dns.resolve(try question("d.example")).timeToLive == .seconds(40))
  }

  /// Eight aliases are followed, and no more.
  @Test(arguments: [7, 8, 9]) func aliasesInARow(_ count: Int) async throws {
    let dns = ScriptedDNS()
    for number in 0..<count { dns.set(try name("a\(number)"), .cname, [.alias(try name("a\(number + 1)"))]) }
    dns.set(try name("a\(count)"), texts: "x")
    let answer = await dns.resolve(try question("a0"))
    #expect(answer.records.count == (count <= ScriptedDNS.aliasLimit ? 1 : 0))
    #expect((answer.failure != nil) == (count > ScriptedDNS.aliasLimit))
    #expect(answer.aliases.count == min(count, ScriptedDNS.aliasLimit))
  }

  @Test func heldAnswers() async throws {
    let dns = ScriptedDNS()
    let question = try question()
    dns.hold(question)
    let task = Task { await dns.resolve(question) }
    let cancelled = Task { await dns.resolve(question) }
    await dns.asked(question, times: 2)
    #expect(await dns.resolve(try self.question("other")).isVoid)
    cancelled.cancel()
    #expect(await cancelled.value.isTemporaryFailure)
    dns.set(question.name, texts: "published since")
    dns.release(question)
    #expect(await task.value == .text("published since"))
    #expect(await dns.resolve(question) == .text("published since"))
  }

  @Test func allHeld() async throws {
    let dns = ScriptedDNS()
    dns.holdAll()
    let questions = try (0..<5).map { try question("n\($0)") }
    let tasks = questions.map { question in Task { await dns.resolve(question) } }
    for question in questions { await dns.asked(question) }
    dns.release(questions[0])
    tasks[0].cancel()
    #expect(await tasks[0].value.isTemporaryFailure)
    dns.releaseAll()
    for task in tasks.dropFirst() { #expect(await task.value.outcome == .noSuchName) }
  }

  @Test func whoWaitsForAQuestionCanBeCancelled() async throws {
    let dns = ScriptedDNS()
    let question = try question()
    let task = Task { await dns.asked(question) }
    task.cancel()
    await task.value
    let cancelled = Task {
      await until { Task.isCancelled }
      return await dns.resolve(question)
    }
    cancelled.cancel()
    #expect(await cancelled.value.isTemporaryFailure)
    #expect(dns.questions.isEmpty)
  }

  private func question(_ text: String) throws -> DNSQuestion { try MailDNSTests.question(text) }
  private func question() throws -> DNSQuestion { try MailDNSTests.question() }
  private func question(_ text: String, _ type: DNSRecordType) throws -> DNSQuestion {
    try MailDNSTests.question(text, type)
  }
}
