import MailDNS

/// A message as it is sent, which a test may put together as wrongly as it likes.
struct WireMessage {
  var identifier: UInt16 = 0x1234
  /// QR, RD and RA.
  var flags: UInt16 = 0x8180
  var questions: [[UInt8]] = []
  var answers: [[UInt8]] = []
  var authorities: [[UInt8]] = []
  var additional: [[UInt8]] = []

  /// An answer to a question, without a record.
  init(to name: String, _ type: DNSRecordType, flags: UInt16 = 0x8180) {
    self.flags = flags
    questions = [wireName(name) + wire(type.rawValue) + wire(1)]
  }

  /// An answer to a query.
  init(to query: [UInt8], flags: UInt16 = 0x8180) {
    identifier = UInt16(query[0]) << 8 | UInt16(query[1])
    self.flags = flags
    questions = [Array(query[12..<(WireMessage.endOfQuestion(query))])]
  }

  /// QR, AA, RD and RA.
  static let authoritative: UInt16 = 0x8580
  static let truncated: UInt16 = 0x8380
  static let authenticated: UInt16 = 0x81A0
  static func code(_ code: UInt16) -> UInt16 { 0x8180 | code }

  var octets: [UInt8] {
    wire(identifier) + wire(flags) + wire(UInt16(questions.count)) + wire(UInt16(answers.count))
      + wire(UInt16(authorities.count)) + wire(UInt16(additional.count))
      + (questions + answers + authorities + additional).joined()
  }

  func answering(_ records: [UInt8]...) -> WireMessage {
    var message = self
    message.answers += records
    return message
  }

  func authorised(_ records: [UInt8]...) -> WireMessage {
    var message = self
    message.authorities += records
    return message
  }

  /// With an OPT record (RFC 6891 §6.1.2) whose TTL holds these eight bits of the RCODE, above DO.
  func withOptions(codeBits: UInt8 = 0, data: [UInt8] = []) -> WireMessage {
    var message = self
    message.additional.append(wireRecord(".", 41, class: 1_232, ttl: UInt32(codeBits) << 24 | 0x8000, data))
    return message
  }

  /// The name that a query asks for, and the type.
  static func question(of query: [UInt8]) -> (name: String, type: UInt16) {
    var labels: [String] = []
    var index = 12
    while index < query.count, query[index] > 0 {
      let length = Int(query[index])
      labels.append(String(decoding: query[(index + 1)...(index + length)], as: UTF8.self))
      index += 1 + length
    }
    return (labels.joined(separator: "."), UInt16(query[index + 1]) << 8 | UInt16(query[index + 2]))
  }

  static func endOfQuestion(_ query: [UInt8]) -> Int {
    var index = 12
    while index < query.count, query[index] > 0 { index += 1 + Int(query[index]) }
    return index + 5
  }
}

func wire(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }

func wire32(_ number: UInt32) -> [UInt8] { wire(UInt16(number >> 16)) + wire(UInt16(number & 0xFFFF)) }

/// Labels between dots, not compressed; a final dot or none, for the root `.`.
func wireName(_ text: String) -> [UInt8] {
  text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + $0.utf8 } + [0]
}

/// A name whose form as it is sent has so many octets.
func wireName(ofCount count: Int) -> [UInt8] {
  var name: [UInt8] = []
  var left = count - 1
  while left > 0 {
    let length = min(63, left - 1 == 64 ? 62 : left - 1)
    name += [UInt8(length)] + [UInt8](repeating: UInt8(ascii: "a"), count: length)
    left -= length + 1
  }
  return name + [0]
}

func wireRecord(
  _ owner: String, _ type: UInt16, class: UInt16 = 1, ttl: UInt32 = 300, _ data: [UInt8]
) -> [UInt8] {
  wireName(owner) + wire(type) + wire(`class`) + wire32(ttl) + wire(UInt16(data.count)) + data
}

func wireRecord(_ owner: String, _ type: DNSRecordType, ttl: UInt32 = 300, _ data: [UInt8]) -> [UInt8] {
  wireRecord(owner, type.rawValue, ttl: ttl, data)
}

func wireAlias(_ owner: String, _ target: String, ttl: UInt32 = 300) -> [UInt8] {
  wireRecord(owner, .cname, ttl: ttl, wireName(target))
}

func wireText(_ owner: String, _ strings: String..., ttl: UInt32 = 300) -> [UInt8] {
  wireRecord(owner, .txt, ttl: ttl, strings.flatMap { [UInt8($0.utf8.count)] + $0.utf8 })
}

func wireStartOfAuthority(_ owner: String, ttl: UInt32 = 3_600, minimum: UInt32 = 60) -> [UInt8] {
  wireRecord(
    owner, 6, ttl: ttl,
    wireName("ns.example") + wireName("hostmaster.example") + [1, 7_200, 3_600, 1_209_600, minimum].flatMap(wire32))
}
