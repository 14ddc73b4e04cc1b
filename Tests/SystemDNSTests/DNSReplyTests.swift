import MailDNS
import MailModel
import Testing

@testable import SystemDNS

private let name = DNSName("www.example.com") ?? .root

private func read(
  _ message: WireMessage, _ type: DNSRecordType = .txt, behind chain: AliasChain = .init(),
  trusting isTrusted: Bool = false
) -> DNSReply {
  DNSReply(message.octets, to: DNSQuestion(name, type), behind: chain, isTrusted: isTrusted)
}

private func outcome(_ message: WireMessage, _ type: DNSRecordType = .txt) -> DNSAnswer.Outcome? {
  if case .answer(let answer) = read(message, type) { answer.outcome } else { nil }
}

private func reason(_ reply: DNSReply) -> String? {
  guard case .answer(let answer) = reply, case .malformed(let reason) = answer.outcome else { return nil }
  return reason
}

private func reason(_ message: WireMessage, _ type: DNSRecordType = .txt) -> String? { reason(read(message, type)) }

private func message(_ type: DNSRecordType = .txt, flags: UInt16 = 0x8180) -> WireMessage {
  WireMessage(to: "www.example.com", type, flags: flags)
}

@Suite("What a message says to a question") struct DNSReplyTests {
  @Test("Records and their times: the shortest counts") func records() {
    let reply = read(
      message().answering(
        wireText("www.example.com", "one", ttl: 300), wireText("WWW.Example.COM", "two", ttl: 200)))
    #expect(
      reply
        == .answer(DNSAnswer(.records([.text(DNSText("one")), .text(DNSText("two"))]), timeToLive: .seconds(200))))
  }

  @Test("A record that comes twice is one (RFC 2181 §5), where the first stood, with the shortest time")
  func duplicates() {
    let owner = "www.example.com"
    let texts = message().answering(
      wireText(owner, "a", "b", ttl: 300), wireText(owner, "ab"), wireText(owner, "A", "b"),
      wireText(owner, "a", "b", ttl: 100), wireText("WWW.example.com", "ab"))
    #expect(
      read(texts)
        == .answer(
          DNSAnswer(
            .records([["a", "b"], ["ab"], ["A", "b"]].map { .text(DNSText(strings: $0.map { Array($0.utf8) })) }),
            timeToLive: .seconds(100))))
    // Names have no case, so that these are the same data.
    let hosts = message(.mx).answering(
      wireRecord(owner, .mx, [0, 9] + wireName("mx.example")), wireRecord(owner, .mx, [0, 9] + wireName("MX.Example")),
      wireRecord(owner, .mx, [0, 8] + wireName("mx.example")))
    let host = DNSName("mx.example") ?? .root
    #expect(
      outcome(hosts, .mx)
        == .records([.mailExchanger(preference: 9, host: host), .mailExchanger(preference: 8, host: host)]))
  }

  @Test("A time with the highest bit set is zero (RFC 2181 §8)", arguments: [0x7FFF_FFFF, 0x8000_0000] as [UInt32])
  func longTime(_ seconds: UInt32) {
    let reply = read(message().answering(wireText("www.example.com", "", ttl: seconds)))
    guard case .answer(let answer) = reply else {
      Issue.record("an alias")
      return
    }
    #expect(answer.timeToLive == .seconds(seconds == 0x7FFF_FFFF ? 0x7FFF_FFFF : 0))
  }

  @Test("Names are compared without case, and may be compressed") func caseAndCompression() {
    var mixed = WireMessage(to: "WwW.eXample.com", .mx)
    // At 12 is the question's name, at 16 its second label.
    mixed.answers = [[0xC0, 12] + wire(15) + wire(1) + wire32(5) + wire(7) + wire(10) + [2, 109, 120, 0xC0, 16]]
    #expect(
      outcome(mixed, .mx) == .records([.mailExchanger(preference: 10, host: DNSName("mx.example.com") ?? .root)]))
  }

  @Test("A question that is not the one asked is malformed")
  func otherQuestion() {
    let record = wireText("www.example.com", "x")
    var two = message().answering(record)
    two.questions += two.questions
    var none = message().answering(record)
    none.questions = []
    var otherClass = message().answering(record)
    otherClass.questions = [wireName("www.example.com") + wire(16) + wire(3)]
    #expect(reason(two)?.contains("2 questions") == true)
    #expect(reason(none)?.contains("0 questions") == true)
    #expect(reason(otherClass)?.contains("another question") == true)
    #expect(reason(WireMessage(to: "w.example.com", .txt).answering(record))?.contains("another question") == true)
    #expect(reason(WireMessage(to: "www.example.com", .a).answering(record))?.contains("another question") == true)
    #expect(reason(message(flags: 0x0180).answering(record))?.contains("no answer") == true)
    #expect(outcome(message().answering(record)) == .records([.text(DNSText("x"))]))
  }

  @Test("Records of other names and classes are not heard")
  func strangers() {
    let stranger = wireText("evil.example", "stranger")
    let chaos = wireRecord("www.example.com", 16, class: 3, [1, 65])
    let own = wireText("www.example.com", "own")
    #expect(outcome(message().answering(stranger, own, chaos)) == .records([.text(DNSText("own"))]))
    // But from an answer about somebody else nothing is concluded.
    #expect(reason(message().answering(stranger))?.contains("other names") == true)
    #expect(reason(message().answering(wireAlias("a.example", "b.example")))?.contains("other names") == true)
    #expect(reason(message(flags: WireMessage.code(3)).answering(stranger))?.contains("other names") == true)
    // Records of other types say nothing against it.
    #expect(outcome(message().answering(wireRecord("www.example.com", .a, [192, 0, 2, 1]), chaos)) == .noRecords)
  }

  @Test("RCODEs", arguments: 0...15 as ClosedRange<UInt16>) func responseCodes(_ code: UInt16) {
    let outcome = outcome(message(flags: WireMessage.code(code)))
    switch code {
    case 0: #expect(outcome == .noRecords)
    case 3: #expect(outcome == .noSuchName)
    default:
      guard case .temporaryFailure(let reason)? = outcome else {
        Issue.record("\(String(describing: outcome))")
        return
      }
      let words: [UInt16: String] = [1: "FORMERR", 2: "SERVFAIL", 4: "NOTIMP", 5: "REFUSED"]
      #expect(reason.contains(words[code] ?? "error \(code)"))
    }
  }

  @Test("The upper bits of an RCODE stand in the OPT record (RFC 6891 §6.1.3)", arguments: [0, 3, 7] as [UInt16])
  func extendedResponseCodes(_ low: UInt16) {
    let plain = message(flags: WireMessage.code(low))
    for high in [1, 127, 128, 255] as [UInt8] {
      let code = UInt16(high) << 4 | low
      let found = outcome(plain.withOptions(codeBits: high))
      guard case .temporaryFailure(let reason)? = found else {
        Issue.record("\(String(describing: found))")
        continue
      }
      #expect(reason.contains(code == 16 ? "BADVERS" : "error \(code)"))
      // Nor are its records believed.
      #expect(outcome(plain.withOptions(codeBits: high).answering(wireText("www.example.com", "x"))) == found)
    }
    // Without them it changes nothing, whatever options it holds. Other records than OPT have no such bits.
    #expect(outcome(plain.withOptions(data: [0, 10, 0, 1, 9])) == outcome(plain))
    var other = plain
    other.additional = [wireRecord("ns.example.com", .a, ttl: 0x0100_0000, [192, 0, 2, 1])]
    #expect(outcome(other) == outcome(plain))
  }

  @Test("A damaged additional section makes the answer malformed") func damagedAdditional() {
    let whole = message().answering(wireText("www.example.com", "x")).withOptions()
    #expect(outcome(whole) == .records([.text(DNSText("x"))]))
    let octets = Array(whole.octets.dropLast())
    #expect(reason(DNSReply(octets, to: DNSQuestion(name, .txt))) != nil)
  }

  @Test("A truncated answer is larger than is read") func truncated() {
    let cut = message(flags: WireMessage.truncated).answering(wireText("www.example.com", "x"))
    #expect(reason(cut)?.contains("larger") == true)
  }

  @Test("Records and \"no such name\" contradict each other") func contradiction() {
    #expect(reason(message(flags: WireMessage.code(3)).answering(wireText("www.example.com", "x"))) != nil)
  }

  @Test("A server that only names others is no resolver") func referral() {
    let referral = message().authorised(wireRecord("example.com", 2, wireName("ns.example.com")))
    guard case .temporaryFailure(let reason)? = outcome(referral) else {
      Issue.record("\(String(describing: outcome(referral)))")
      return
    }
    #expect(reason.contains("no resolver"))
    var own = referral
    own.flags = WireMessage.authoritative
    #expect(outcome(own) == .noRecords)
    #expect(outcome(referral.authorised(wireStartOfAuthority("example.com"))) == .noRecords)
  }

  @Test(
    "From one that neither owns a name nor finds out, nothing is concluded", arguments: [false, true], [false, true])
  func lame(_ isAuthoritative: Bool, _ isRecursionAvailable: Bool) {
    let flags: UInt16 = 0x8100 | (isAuthoritative ? 0x0400 : 0) | (isRecursionAvailable ? 0x0080 : 0)
    let outcome = outcome(message(flags: flags))
    if isAuthoritative || isRecursionAvailable {
      #expect(outcome == .noRecords)
    } else {
      guard case .temporaryFailure(let reason)? = outcome else {
        Issue.record("\(String(describing: outcome))")
        return
      }
      #expect(reason.contains("no resolver"))
    }
  }

  @Test(
    "How long a negative answer may be kept (RFC 2308 §5)",
    arguments: [
      (wireStartOfAuthority("example.com", ttl: 3_600, minimum: 60), 60),
      (wireStartOfAuthority("example.com", ttl: 30, minimum: 60), 30),
      (wireStartOfAuthority(".", ttl: 30, minimum: 60), 30),
      (wireStartOfAuthority("www.example.com", ttl: 30, minimum: 60), 30),
      (wireStartOfAuthority("example.com", ttl: 30, minimum: 0xFFFF_FFFF), 0),
      (wireStartOfAuthority("example.org", ttl: 30, minimum: 60), 0),
      (wireStartOfAuthority("a.www.example.com", ttl: 30, minimum: 60), 0),
      (wireText("example.com", "no SOA"), 0),
    ])
  func negativeTime(_ authority: [UInt8], _ seconds: Int) {
    for (code, outcome) in [(0, .noRecords), (3, .noSuchName)] as [(UInt16, DNSAnswer.Outcome)] {
      let reply = read(message(flags: WireMessage.code(code)).authorised(authority))
      #expect(reply == .answer(DNSAnswer(outcome, timeToLive: .seconds(seconds))))
    }
  }

  @Test("A damaged SOA makes the answer malformed", arguments: [0, 1, 19, 20, 21, 23])
  func damagedStartOfAuthority(_ count: Int) {
    // Both names are the root: 22 octets.
    let data = [UInt8](repeating: 0, count: count)
    #expect(reason(message().authorised(wireRecord("example.com", 6, data))) != nil)
    let whole = [UInt8](repeating: 0, count: 22)
    #expect(outcome(message().authorised(wireRecord("example.com", 6, whole))) == .noRecords)
  }

  @Test("The AD bit counts where it is trusted", arguments: [false, true], [false, true])
  func authenticated(_ bit: Bool, _ isTrusted: Bool) {
    let flags = bit ? WireMessage.authenticated : 0x8180
    for message in [message(flags: flags).answering(wireText("www.example.com", "x")), message(flags: flags)] {
      guard case .answer(let answer) = read(message, trusting: isTrusted) else {
        Issue.record("an alias")
        return
      }
      #expect(answer.isAuthenticated == (bit && isTrusted))
    }
  }
}

@Suite("Aliases in a message") struct AliasTests {
  private let ends = DNSName("end.example") ?? .root

  /// `www.example.com`, `a1.example`, …, `end.example`, in an order of their own.
  private func chain(of count: Int, _ order: ([[UInt8]]) -> [[UInt8]] = { $0 }) -> WireMessage {
    var names = ["www.example.com"] + (1..<max(count, 1)).map { "a\($0).example" }
    if count > 0 { names.append("end.example") }
    var message = message()
    let links = zip(names, names.dropFirst()).enumerated().map { index, link in
      wireAlias(link.0, link.1, ttl: UInt32(100 + index))
    }
    message.answers = order(links + [wireText(count == 0 ? "www.example.com" : "end.example", "end", ttl: 300)])
    return message
  }

  @Test("Up to the limit", arguments: [0, 1, 7, 8, 9]) func depth(_ count: Int) {
    let orders: [([[UInt8]]) -> [[UInt8]]] = [
      { $0 }, { $0.reversed() }, { $0.filter { $0.count % 2 == 0 } + $0.filter { $0.count % 2 > 0 } },
    ]
    for order in orders {
      let reply = read(chain(of: count, order))
      guard count <= 8 else {
        #expect(reason(reply)?.contains("more than 8 aliases") == true)
        continue
      }
      guard case .answer(let answer) = reply else {
        Issue.record("an alias")
        return
      }
      #expect(answer.outcome == .records([.text(DNSText("end"))]))
      #expect(answer.aliases.count == count)
      #expect(answer.aliases.last == (count > 0 ? ends : nil))
      #expect(answer.timeToLive == .seconds(count > 0 ? 100 : 300))
    }
  }

  @Test(
    "In a circle",
    arguments: [["www.example.com"], ["a.example", "www.example.com"], ["a.example", "b.example", "a.example"]])
  func circle(_ targets: [String]) {
    var message = message()
    message.answers = zip(["www.example.com"] + targets, targets).map { wireAlias($0, $1) }
    #expect(reason(message)?.contains("circle") == true)
  }

  @Test("Of two names") func ambiguous() {
    let twice = message().answering(
      wireAlias("www.example.com", "a.example"), wireAlias("www.example.com", "b.example"))
    #expect(reason(twice)?.contains("alias of two names") == true)
    let same = message().answering(
      wireAlias("www.example.com", "a.example"), wireAlias("www.example.com", "A.example"), wireText("a.example", "x"))
    #expect(outcome(same) == .records([.text(DNSText("x"))]))
  }

  @Test("To a name of which nothing is said: it is to be asked for") func partial() {
    let reply = read(message().answering(wireAlias("www.example.com", "a.example", ttl: 7), wireText("b.example", "x")))
    guard case .alias(let chain) = reply else {
      Issue.record("\(reply)")
      return
    }
    #expect(chain.names == [DNSName("a.example")])
    #expect(chain.timeToLive == .seconds(7))
    // The next message answers for the end, and the times and AD bits of both count.
    let next = WireMessage(to: "a.example", .txt, flags: WireMessage.authenticated).answering(
      wireText("a.example", "x"))
    #expect(
      read(next, behind: chain, trusting: true)
        == .answer(
          DNSAnswer(.records([.text(DNSText("x"))]), timeToLive: .seconds(7), aliases: [DNSName("a.example") ?? .root]))
    )
    // One that leads back is a circle, one for the first name is another's.
    let back = WireMessage(to: "a.example", .txt).answering(wireAlias("a.example", "www.example.com"))
    #expect(reason(read(back, behind: chain))?.contains("circle") == true)
    #expect(reason(read(message(), behind: chain))?.contains("another question") == true)
  }

  @Test("Whose end has no such record, or is no name") func negative() {
    let alias = wireAlias("www.example.com", "a.example", ttl: 7)
    let start = wireStartOfAuthority("example", ttl: 5, minimum: 60)
    let aliases = [DNSName("a.example") ?? .root]
    #expect(
      read(message().answering(alias).authorised(start))
        == .answer(DNSAnswer(.noRecords, timeToLive: .seconds(5), aliases: aliases)))
    #expect(
      read(message(flags: WireMessage.code(3)).answering(alias).authorised(start))
        == .answer(DNSAnswer(.noSuchName, timeToLive: .seconds(5), aliases: aliases)))
    // An SOA of elsewhere says nothing of the end.
    let elsewhere = read(message().answering(alias).authorised(wireStartOfAuthority("example.com")))
    #expect(elsewhere != .answer(DNSAnswer(.noRecords, aliases: aliases)))
    guard case .alias = elsewhere else {
      Issue.record("\(elsewhere)")
      return
    }
  }

  @Test("The alias itself can be asked for") func itself() {
    let reply = read(message(.cname).answering(wireAlias("www.example.com", "a.example")), .cname)
    #expect(reply == .answer(DNSAnswer(.records([.alias(DNSName("a.example") ?? .root)]), timeToLive: .seconds(300))))
  }
}
