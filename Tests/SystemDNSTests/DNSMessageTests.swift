import MailDNS
import MailModel
import Testing

@testable import SystemDNS

private let owner = "www.example.com"

/// What a message with one record of these data says.
private func outcome(_ type: DNSRecordType, _ data: [UInt8]) -> DNSAnswer.Outcome? {
  let message = WireMessage(to: owner, type).answering(wireRecord(owner, type, data))
  guard let name = DNSName(owner), case .answer(let answer) = DNSReply(message.octets, to: DNSQuestion(name, type))
  else { return nil }
  return answer.outcome
}

private func isMalformed(_ outcome: DNSAnswer.Outcome?) -> Bool {
  if case .malformed = outcome { true } else { false }
}

private func hostName(_ text: String) -> DNSName { DNSName(text) ?? .root }

@Suite("The data of records") struct RecordDataTests {
  @Test(
    "Of each type",
    arguments: [
      (.a, [192, 0, 2, 1], .address(.v4(0xC000_0201))),
      (
        .aaaa, [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [1],
        .address(.v6(0x2001_0DB8_0000_0000_0000_0000_0000_0001))
      ),
      // A mapped IPv4 address stays what it was published as.
      (
        .aaaa, [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 192, 0, 2, 1],
        .address(.v6(0xFFFF_C000_0201))
      ),
      (.cname, wireName("Target.Example"), .alias(hostName("target.example"))),
      (.ptr, wireName("host.example"), .pointer(hostName("host.example"))),
      (.mx, [0, 10] + wireName("mx.example"), .mailExchanger(preference: 10, host: hostName("mx.example"))),
      (.mx, [0xFF, 0xFF, 0], .mailExchanger(preference: 65_535, host: .root)),
      (.txt, [0], .text(DNSText(strings: [[]]))),
      (.txt, [1, 65, 0, 2, 0, 255], .text(DNSText(strings: [[65], [], [0, 255]]))),
      (.tlsa, [3, 1, 1, 9], .certificate(TLSARecord(usage: 3, selector: 1, matchingType: 1, data: [9]))),
    ] as [(DNSRecordType, [UInt8], DNSRecord)])
  func whole(_ type: DNSRecordType, _ data: [UInt8], _ record: DNSRecord) {
    #expect(outcome(type, data) == .records([record]))
    // None of these types bears an octet more or less, but a TLSA record's data and, in TXT, an empty string.
    if type != .txt { #expect(isMalformed(outcome(type, data.dropLast()))) }
    if type != .txt, type != .tlsa { #expect(isMalformed(outcome(type, data + [0]))) }
  }

  @Test("Of no octet and of three", arguments: DNSRecordType.allCases, [0, 1, 2, 3])
  func short(_ type: DNSRecordType, _ count: Int) {
    // Octets that are neither the end of a name nor a string.
    #expect(isMalformed(outcome(type, [UInt8](repeating: 9, count: count))))
  }

  @Test("Strings that say more than there is") func text() {
    #expect(isMalformed(outcome(.txt, [255] + [UInt8](repeating: 65, count: 254))))
    #expect(outcome(.txt, [255] + [UInt8](repeating: 65, count: 255)) != nil)
    #expect(isMalformed(outcome(.txt, [1, 65, 1])))
    #expect(isMalformed(outcome(.txt, [1])))
  }

  @Test("Names of 254, 255 and 256 octets", arguments: [254, 255, 256, 400]) func longName(_ count: Int) {
    let name = wireName(ofCount: count)
    #expect(name.count == count)
    for (type, data) in [(.cname, name), (.ptr, name), (.mx, [0, 1] + name)] as [(DNSRecordType, [UInt8])] {
      #expect(isMalformed(outcome(type, data)) == (count > 255))
    }
  }

  @Test("Labels of 63 octets and of unknown kinds", arguments: [63, 64, 65, 0x80, 0xBF] as [UInt8])
  func label(_ length: UInt8) {
    let data = [length] + [UInt8](repeating: 65, count: Int(length)) + [0]
    #expect(isMalformed(outcome(.ptr, data)) == (length > 63))
  }

  @Test("Names that point") func pointers() {
    // The data begin behind the header, the question and the record's own name and numbers.
    let start = UInt8(12 + 17 + 4 + 17 + 10)
    #expect(outcome(.ptr, [0xC0, 12]) == .records([.pointer(hostName("www.example.com"))]))
    #expect(outcome(.ptr, [1, 97, 0xC0, 16]) == .records([.pointer(hostName("a.example.com"))]))
    #expect(isMalformed(outcome(.ptr, [0xC0, start])), "at itself")
    #expect(isMalformed(outcome(.ptr, [1, 97, 0xC0, start])), "in a circle")
    #expect(isMalformed(outcome(.ptr, [0xC0, start + 2, 0])), "forwards")
    #expect(isMalformed(outcome(.ptr, [0xFF, 0xFF])), "beyond the end")
    #expect(isMalformed(outcome(.ptr, [0xC0])), "half")
    #expect(isMalformed(outcome(.ptr, [0xC0, 0])), "into the header, whose first octet is no end of labels")
  }

  @Test("Pointers at pointers, to a limit", arguments: [253, 254, 255, 5_000]) func manyPointers(_ count: Int) {
    // A TXT record that nobody asked for holds a name and pointers, each at the one before.
    let start = 12 + 17 + 4 + 17 + 10
    var pad = wireName("x")
    for index in 0..<count {
      let target = index == 0 ? start : start + 3 + 2 * (index - 1)
      pad += [0xC0 | UInt8(target >> 8), UInt8(target & 0xFF)]
    }
    let last = start + 3 + 2 * (count - 1)
    let message = WireMessage(to: owner, .ptr).answering(
      wireRecord(owner, .txt, pad), wireRecord(owner, .ptr, [0xC0 | UInt8(last >> 8), UInt8(last & 0xFF)]))
    guard case .answer(let answer) = DNSReply(message.octets, to: DNSQuestion(hostName(owner), .ptr)) else {
      Issue.record("an alias")
      return
    }
    // The record's own pointer is one more.
    #expect(isMalformed(answer.outcome) == (count + 1 >= 255))
  }
}

@Suite("Any octets") struct DamagedMessageTests {
  private static let question = DNSQuestion(hostName(owner), .mx)

  private static let good = WireMessage(to: owner, .mx)
    .answering(wireAlias(owner, "a.example"), wireRecord("a.example", .mx, [0, 10] + wireName("mx.example")))
    .authorised(wireStartOfAuthority("example"))
    .octets

  private func answer(_ octets: [UInt8]) -> DNSReply { DNSReply(octets, to: Self.question, isTrusted: true) }

  @Test("A message that is cut anywhere is malformed") func prefixes() {
    for count in 0..<Self.good.count {
      guard case .answer(let answer) = answer(Array(Self.good.prefix(count))) else {
        Issue.record("\(count) octets are an alias")
        return
      }
      #expect(isMalformed(answer.outcome), "\(count) octets")
    }
    #expect(answer(Self.good) == answer(Self.good + [1, 2, 3]), "what follows is not read")
  }

  @Test("No octet makes it trap, and none makes a record out of nothing") func mutations() {
    var counts = [0, 0]
    for index in Self.good.indices {
      for value in 0...UInt8.max {
        var octets = Self.good
        octets[index] = value
        if case .answer(let answer) = answer(octets) { counts[answer.records.count] += 1 }
      }
    }
    #expect(counts[0] > 1_000 && counts[1] > 1_000)
  }

  @Test("Noise is no answer") func noise() {
    var random = Noise(state: 6)
    for _ in 0..<20_000 {
      var octets = (0..<Int.random(in: 0...200, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      // Half of them with a sound beginning.
      if Bool.random(using: &random) { octets = Array(Self.good.prefix(33)) + octets }
      if case .answer(let answer) = answer(octets), case .records(let records) = answer.outcome {
        #expect(!records.isEmpty)
      }
    }
  }

  @Test("More records than octets") func counts() {
    var octets = Self.good
    for offset in [6, 8] { (octets[offset], octets[offset + 1]) = (0xFF, 0xFF) }
    guard case .answer(let answer) = answer(octets) else {
      Issue.record("an alias")
      return
    }
    #expect(isMalformed(answer.outcome))
  }
}

/// The same numbers in every run (SplitMix64).
private struct Noise: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
