import MailDNS
import MailModel
import Synchronization

/// A DNS that an input writes, one record a line: `example.com TXT v=spf1 -all`, `mx.example.com A 192.0.2.1`.
///
/// - The name `*` answers for all that have no record of that type.
/// - MX is a preference and a host; `-` in place of a type says that the name exists, `FAIL` that nobody answers for it, `BAD` that
///   what comes is malformed.
/// - A line that is none of these says nothing.
final class WrittenDNS: DNSResolver {
  private let answers: [DNSQuestion: [DNSRecord]]
  private let everywhere: [DNSRecordType: [DNSRecord]]
  private let names: Set<DNSName>
  private let outcomes: [DNSName: DNSAnswer.Outcome]
  /// Whether answers come only when all else waits.
  private let isSlow: Bool
  private let asked = Mutex<[DNSQuestion]>([])

  /// What was asked so far.
  var questions: [DNSQuestion] { asked.withLock { $0 } }

  init(_ text: some Collection<UInt8>, isSlow: Bool = false) {
    var answers: [DNSQuestion: [DNSRecord]] = [:]
    var everywhere: [DNSRecordType: [DNSRecord]] = [:]
    var names: Set<DNSName> = []
    var outcomes: [DNSName: DNSAnswer.Outcome] = [:]
    for line in text.split(separator: 0x0A) {
      let parts = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false).map { Array($0) }
      guard parts.count > 1 else { continue }
      let type = String(decoding: parts[1], as: UTF8.self)
      let record = parts.count > 2 ? Self.record(type, parts[2]) : nil
      if parts[0] == [UInt8(ascii: "*")], let record { everywhere[record.0, default: []].append(record.1) }
      guard let name = DNSName(String(decoding: parts[0], as: UTF8.self)) else { continue }
      switch type {
      case "FAIL": outcomes[name] = .temporaryFailure("SERVFAIL")
      case "BAD": outcomes[name] = .malformed("nonsense")
      case "-": names.insert(name)
      default:
        guard let record else { continue }
        names.insert(name)
        answers[DNSQuestion(name, record.0), default: []].append(record.1)
      }
    }
    (self.answers, self.everywhere, self.names, self.outcomes) = (answers, everywhere, names, outcomes)
    self.isSlow = isSlow
  }

  func resolve(_ question: DNSQuestion) async -> DNSAnswer {
    if isSlow { await Task.yield() }
    asked.withLock { $0.append(question) }
    if let outcome = outcomes[question.name] { return DNSAnswer(outcome) }
    if let records = answers[question] ?? everywhere[question.type] { return DNSAnswer(.records(records)) }
    return DNSAnswer(names.contains(question.name) ? .noRecords : .noSuchName)
  }

  /// The texts that stand in an input.
  static func texts(in text: some Collection<UInt8>) -> [[UInt8]] {
    text.split(separator: 0x0A).compactMap { line in
      let parts = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
      return parts.count > 2 && parts[1].elementsEqual("TXT".utf8) ? Array(parts[2]) : nil
    }
  }

  private static func record(_ type: String, _ data: [UInt8]) -> (DNSRecordType, DNSRecord)? {
    let text = String(decoding: data, as: UTF8.self)
    switch type {
    case "TXT": return (.txt, .text(DNSText(strings: [data])))
    case "A", "AAAA":
      guard let address = IPAddress(text) else { return nil }
      if case .v4 = address { return (.a, .address(address)) }
      return (.aaaa, .address(address))
    case "PTR": return DNSName(text).map { (.ptr, .pointer($0)) }
    case "MX":
      let parts = text.split(separator: " ")
      guard parts.count == 2, let preference = UInt16(parts[0]), let host = DNSName(String(parts[1])) else {
        return nil
      }
      return (.mx, .mailExchanger(preference: preference, host: host))
    default: return nil
    }
  }
}
