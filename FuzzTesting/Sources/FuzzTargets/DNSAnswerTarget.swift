import MailDNS
import SystemDNS

extension FuzzTarget {
  /// A message as a name server sends it: it is read within its bounds, and means the same without compression, and whatever
  /// stands behind it.
  static let dnsAnswer = FuzzTarget("dns-answer", maximumLength: 1024) { input in
    var decisions = input.decisions
    let type = decisions.next(of: DNSRecordType.allCases)
    let name = decisions.next(of: ["a.example", "example", "."]).asDNSName
    let isTrusted = decisions.next()
    let octets = input.payload

    let message: DNSMessage
    do { message = try DNSMessage(octets) } catch {
      // Nothing that is no message answers anything.
      guard case .answer(let answer) = DNSReply(octets, to: DNSQuestion(name, type)),
        case .malformed(let reason) = answer.outcome
      else { fatalError("an answer that is no message") }
      return checkLine(reason)
    }
    check(message)
    // The question that was asked, so that it comes to the records behind it.
    let asked = DNSQuestion(
      decisions.next() ? name : message.question.name, DNSRecordType(rawValue: message.question.type) ?? type)
    let reply = DNSReply(octets, to: asked, isTrusted: isTrusted)
    check(reply, isTrusted: isTrusted)
    // Of a truncated message it is said how long it is.
    let more = DNSReply(octets + [0xC0], to: asked, isTrusted: isTrusted)
    require(more == reply || message.isTruncated, "what stands behind it counts")
    checkWithoutCompression(message, asked, isTrusted: isTrusted, reply)
  }

  private static func check(_ message: DNSMessage) {
    check(message.question.name)
    for record in message.answers + message.authorities {
      check(record.owner)
      require(
        record.data.lowerBound >= 12 && record.data.upperBound <= message.octets.count, "data outside the message")
      require((.zero...maximumTime).contains(record.timeToLive), "a time of \(record.timeToLive)")
      guard let type = DNSRecordType(rawValue: record.type) else { continue }
      if let value = try? message.value(of: record, type: type) { checkLine(value.description) }
    }
  }

  private static let maximumTime = Duration.seconds(Int64(Int32.max))

  /// A name keeps RFC 1035's limits, and reads back as itself in both its forms.
  private static func check(_ name: DNSName) {
    let labels = name.labels
    require(labels.allSatisfy { (1...63).contains($0.count) }, "a label that is none")
    require(labels.reduce(1) { $0 + $1.count + 1 } <= 255, "a name that is too long")
    require(DNSName(labels: labels) == name && DNSName(name.description) == name, "a name reads back as another")
    require(DNSName(name.description + ".") == name || name == .root, "a name with a dot at its end is another")
    require(name.description.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "a name with more than visible text")
    require(labels.isEmpty == (name.parent == nil), "the root has a parent")
    if let parent = name.parent {
      require(parent.labels == Array(labels.dropFirst()) && name.isWithin(parent), "a parent that is none")
      require(!parent.isWithin(name), "a parent within its child")
    }
  }

  private static func check(_ reply: DNSReply, isTrusted: Bool) {
    switch reply {
    case .alias(let chain):
      require((1...8).contains(chain.names.count), "\(chain.names.count) aliases")
      require(Set(chain.names).count == chain.names.count, "aliases in a circle")
      require(isTrusted || !chain.isAuthenticated, "checked by somebody who is not trusted")
    case .answer(let answer):
      require(answer.aliases.count <= 8 && Set(answer.aliases).count == answer.aliases.count, "aliases in a circle")
      require(isTrusted || !answer.isAuthenticated, "checked by somebody who is not trusted")
      require((.zero...maximumTime).contains(answer.timeToLive), "a time of \(answer.timeToLive)")
      if case .records(let records) = answer.outcome { require(!records.isEmpty, "no records") }
      if let failure = answer.failure {
        checkLine(failure)
        require(answer.timeToLive == .zero, "a failure that is kept")
      }
    }
  }

  /// Writes the message again, every name in full.
  private static func checkWithoutCompression(
    _ message: DNSMessage, _ asked: DNSQuestion, isTrusted: Bool, _ reply: DNSReply
  ) {
    guard !message.isTruncated, let octets = message.withoutCompression else { return }
    let again = DNSReply(octets, to: asked, isTrusted: isTrusted)
    if case .answer(let answer) = reply, case .malformed = answer.outcome {
      guard case .answer(let second) = again, case .malformed = second.outcome else {
        fatalError("malformed by its compression alone")
      }
    } else {
      require(again == reply, "another reply without compression")
    }
  }
}

extension String {
  /// A name that is written in the program.
  fileprivate var asDNSName: DNSName { DNSName(self) ?? .root }
}

extension DNSMessage {
  /// The same message with every name in full; `nil` where that is too long, or data that hold names are damaged.
  fileprivate var withoutCompression: [UInt8]? {
    var octets: [UInt8] = [0, 0]
    octets.append((isResponse ? 0x80 : 0) | (isAuthoritative ? 0x04 : 0))
    octets.append((isRecursionAvailable ? 0x80 : 0) | (isAuthenticated ? 0x20 : 0) | UInt8(responseCode & 0x0F))
    octets.append(number: 1)
    octets.append(number: answers.count)
    octets.append(number: authorities.count)
    octets.append(number: 1)
    octets.append(name: question.name)
    octets.append(number: Int(question.type))
    octets.append(number: Int(question.class))
    for record in answers + authorities {
      octets.append(name: record.owner)
      octets.append(number: Int(record.type))
      octets.append(number: Int(record.class))
      let seconds = Int(record.timeToLive.components.seconds)
      octets.append(number: seconds >> 16)
      octets.append(number: seconds & 0xFFFF)
      guard let data = data(of: record) else { return nil }
      octets.append(number: data.count)
      octets += data
    }
    // An OPT record, which holds the upper bits of the RCODE.
    octets += [0, 0, 41, 0, 0, UInt8(responseCode >> 4), 0, 0, 0, 0, 0]
    return octets.count <= 65_535 ? octets : nil
  }

  private func data(of record: Record) -> [UInt8]? {
    var octets: [UInt8] = []
    switch record.type {
    case 5, 12, 15:
      guard let type = DNSRecordType(rawValue: record.type) else { return nil }
      switch try? value(of: record, type: type) {
      case .alias(let name)?, .pointer(let name)?: octets.append(name: name)
      case .mailExchanger(let preference, let host)?:
        octets.append(number: Int(preference))
        octets.append(name: host)
      default: return nil
      }
    case 6:
      guard let (master, next) = name(at: record.data.lowerBound), let (person, end) = name(at: next),
        end <= record.data.upperBound
      else { return nil }
      octets.append(name: master)
      octets.append(name: person)
      octets += self.octets[end..<record.data.upperBound]
    default: octets += self.octets[record.data]
    }
    return octets
  }

  /// A name as a simple reader takes it, and where it ends.
  private func name(at start: Int) -> (DNSName, end: Int)? {
    var labels: [[UInt8]] = []
    var (at, limit, end) = (start, start, Int?.none)
    while labels.count < 128, at < octets.count, octets[at] != 0 {
      let length = Int(octets[at])
      if length >= 0xC0 {
        guard at + 1 < octets.count else { return nil }
        let target = (length & 0x3F) << 8 | Int(octets[at + 1])
        guard target < limit else { return nil }
        (end, limit, at) = (end ?? at + 2, target, target)
      } else {
        guard length < 64, at + length < octets.count else { return nil }
        labels.append(Array(octets[(at + 1)...(at + length)]))
        at += length + 1
      }
    }
    guard at < octets.count, octets[at] == 0 else { return nil }
    return DNSName(labels: labels).map { ($0, end ?? at + 1) }
  }
}

extension [UInt8] {
  fileprivate mutating func append(number: Int) {
    append(UInt8(truncatingIfNeeded: number >> 8))
    append(UInt8(truncatingIfNeeded: number))
  }

  fileprivate mutating func append(name: DNSName) {
    for label in name.labels {
      append(UInt8(label.count))
      self += label
    }
    append(0)
  }
}
