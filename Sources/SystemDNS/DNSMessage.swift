package import MailDNS

/// A message as a name server sends it (RFC 1035 §4.1): its header, its question, and the records of its answer and authority
/// sections, whose data are not looked at yet. Of the additional section only what EDNS adds to the header counts (RFC 6891).
///
/// Any octets may be given; what is no message is an error. Work and memory are linear in their number, since a name costs 255
/// octets and as many steps at most.
package struct DNSMessage: Sendable {
  /// Why octets are no message, in words.
  package struct Malformation: Error, Hashable, Sendable {
    package var reason: String
    package init(_ reason: String) { self.reason = reason }
  }

  /// Where a record begins, and what it says of itself.
  package struct Record: Sendable {
    package var owner: DNSName
    package var type: UInt16
    package var `class`: UInt16
    /// TTL as it was sent; of an OPT record more of the header (RFC 6891 §6.1.3).
    var seconds: UInt32
    /// Where its data are in the message.
    package var data: Range<Int>

    /// RFC 2181 §8: the highest bit set means zero.
    package var timeToLive: Duration { .seconds(seconds > Int32.max ? 0 : Int64(seconds)) }
  }

  package let octets: [UInt8]
  package let isResponse: Bool
  /// AA: the server owns the answer.
  package let isAuthoritative: Bool
  /// TC: the rest did not fit.
  package let isTruncated: Bool
  /// RA: the server finds out what it does not own.
  package let isRecursionAvailable: Bool
  /// AD: a resolver says that it checked the signatures (RFC 4035 §3.2.3).
  package let isAuthenticated: Bool
  /// RCODE: four bits of the header, and above them the eight of an OPT record, where there is one (RFC 6891 §6.1.3).
  package let responseCode: UInt16
  /// Whose records were asked for, and of which type and class.
  package let question: (name: DNSName, type: UInt16, class: UInt16)
  package let answers: [Record]
  package let authorities: [Record]

  static let classIN: UInt16 = 1
  /// NS (RFC 1035 §3.3.11).
  static let typeNS: UInt16 = 2
  /// SOA (RFC 1035 §3.3.13).
  static let typeSOA: UInt16 = 6
  /// OPT (RFC 6891 §6.1.1).
  static let typeOPT: UInt16 = 41

  /// Reads a message. One that is truncated has no records here, since they may end anywhere.
  package init(_ octets: [UInt8]) throws(Malformation) {
    var reader = DNSReader(octets)
    _ = try reader.uint16()  // ID
    let flags = try reader.uint16()
    let questionCount = try reader.uint16()
    let (answerCount, authorityCount) = (try reader.uint16(), try reader.uint16())
    let additionalCount = try reader.uint16()
    guard questionCount == 1 else { throw Malformation("it has \(questionCount) questions") }

    self.octets = octets
    isResponse = flags & 0x8000 != 0
    isAuthoritative = flags & 0x0400 != 0
    isTruncated = flags & 0x0200 != 0
    isRecursionAvailable = flags & 0x0080 != 0
    isAuthenticated = flags & 0x0020 != 0
    question = (try reader.name(), try reader.uint16(), try reader.uint16())
    guard !isTruncated else {
      (answers, authorities, responseCode) = ([], [], flags & 0x000F)
      return
    }
    answers = try reader.records(answerCount)
    authorities = try reader.records(authorityCount)
    let options = try reader.records(additionalCount).first { $0.type == Self.typeOPT }
    responseCode = UInt16((options?.seconds ?? 0) >> 24) << 4 | flags & 0x000F
  }
}

/// Reads a message from its front. Each step stays within the octets, or throws.
struct DNSReader {
  typealias Malformation = DNSMessage.Malformation

  private let octets: [UInt8]
  private(set) var position: Int
  /// Where reading ends: the end of the octets, or of a record's data. Names may point before it only.
  let end: Int

  init(_ octets: [UInt8]) { (self.octets, position, end) = (octets, 0, octets.count) }

  init(_ message: DNSMessage, _ data: Range<Int>) {
    (octets, position, end) = (message.octets, data.lowerBound, min(data.upperBound, message.octets.count))
  }

  var isAtEnd: Bool { position >= end }
  var remainingCount: Int { max(0, end - position) }

  mutating func take(_ count: Int) throws(Malformation) -> ArraySlice<UInt8> {
    guard count >= 0, count <= remainingCount else { throw Malformation("it is cut short") }
    defer { position += count }
    return octets[position..<(position + count)]
  }

  mutating func uint8() throws(Malformation) -> UInt8 { try take(1).reduce(0) { _, octet in octet } }
  mutating func uint16() throws(Malformation) -> UInt16 { try take(2).reduce(0) { $0 << 8 | UInt16($1) } }
  mutating func uint32() throws(Malformation) -> UInt32 { try take(4).reduce(0) { $0 << 8 | UInt32($1) } }

  /// A name, put together where it is compressed (RFC 1035 §4.1.4). Each pointer must lead to before the part that it ends, so
  /// that none goes in a circle, and a name's parts are at most as many as its octets.
  mutating func name() throws(Malformation) -> DNSName {
    var labels: [[UInt8]] = []
    var count = 1
    var steps = 0
    var (at, limit, partStart) = (position, end, position)
    var next: Int?
    while true {
      guard at < limit else { throw Malformation("a name is cut short") }
      let length = Int(octets[at])
      switch length {
      case 0:
        position = next ?? at + 1
        guard let name = DNSName(labels: labels) else { throw Malformation("a name is too long") }
        return name
      case 1...DNSName.largestLabelCount:
        guard length < limit - at else { throw Malformation("a name is cut short") }
        count += length + 1
        guard count <= DNSName.largestCount else { throw Malformation("a name is longer than 255 octets") }
        labels.append(Array(octets[(at + 1)...(at + length)]))
        at += length + 1
      case 0xC0...:
        guard at + 1 < limit else { throw Malformation("a name is cut short") }
        let target = (length & 0x3F) << 8 | Int(octets[at + 1])
        steps += 1
        guard target < partStart, steps < DNSName.largestCount else {
          throw Malformation("a name points forwards or in a circle")
        }
        next = next ?? at + 2
        (at, limit, partStart) = (target, partStart, target)
      default:
        throw Malformation("a name has a label of an unknown kind")
      }
    }
  }

  mutating func records(_ count: UInt16) throws(Malformation) -> [DNSMessage.Record] {
    var records: [DNSMessage.Record] = []
    for _ in 0..<count {
      let owner = try name()
      let (type, recordClass) = (try uint16(), try uint16())
      let seconds = try uint32()
      let dataCount = Int(try uint16())
      let start = position
      _ = try take(dataCount)
      records.append(
        DNSMessage.Record(owner: owner, type: type, class: recordClass, seconds: seconds, data: start..<position))
    }
    return records
  }
}
