import MailDNS
import MailModel

/// The records that the text of a zone holds; see ``ScriptedDNS/publish(zone:)`` for its form.
struct ZoneText {
  private(set) var sets: [DNSQuestion: ScriptedZone.RecordSet] = [:]
  private(set) var bareNames: Set<DNSName> = []
  private(set) var negativeTimesToLive: [DNSName: Duration] = [:]
  private var defaultTime: Duration?
  /// Whether an alias stands at a name.
  private var isAlias: [DNSName: Bool] = [:]

  init(_ text: String) throws(ScriptedDNS.ZoneError) {
    var number = 0
    for line in text.utf8.split(separator: UInt8.lineFeed, omittingEmptySubsequences: false) {
      number += 1
      do throws(Unreadable) {
        try read(Self.words(of: line))
      } catch {
        throw ScriptedDNS.ZoneError(line: number, message: error.message)
      }
    }
  }

  private mutating func read(_ words: [Word]) throws(Unreadable) {
    guard let first = words.first else { return }
    var words = words.dropFirst()
    if first.text == "$TTL" {
      defaultTime = try words.popFirst().flatMap { Self.time($0) }.orThrow("$TTL is followed by seconds")
      guard words.isEmpty else { throw Unreadable("something follows the seconds") }
      return
    }
    if ["$", "@", "("].contains(first.text.prefix(1)) { throw Unreadable("\(first.text) is not understood here") }
    let name = try DNSName(first.text).orThrow("\"\(first.text)\" is no name")
    var time = defaultTime
    while let word = words.first {
      if let seconds = Self.time(word) { time = seconds } else if word.text.uppercased() != "IN" { break }
      words.removeFirst()
    }
    let type = try words.popFirst().orThrow("there is no type").text.uppercased()
    try publish(name, type, time, RecordData(words))
  }

  private mutating func publish(
    _ name: DNSName, _ type: String, _ time: Duration?, _ data: RecordData
  ) throws(Unreadable) {
    // RFC 1034 §3.6.2
    if isAlias[name] == true || isAlias[name] == false && type == "CNAME" {
      throw Unreadable("\(name) has other records beside an alias")
    }
    isAlias[name] = type == "CNAME"
    var data = data
    switch type {
    case "SOA":
      let minimum = try data.startOfAuthority()
      negativeTimesToLive[name] = min(minimum, time ?? minimum)
      bareNames.insert(name)
    case "NS":
      _ = try data.name()
      bareNames.insert(name)
    default:
      let known = DNSRecordType.allCases.first { $0.description == type }
      let question = DNSQuestion(name, try known.orThrow("\"\(type)\" is no type that is understood here"))
      var set = sets[question] ?? ScriptedZone.RecordSet(records: [], timeToLive: time)
      set.records.append(try data.record(question.type))
      // A set has one TTL; where it has not, the shortest counts (RFC 2181 §5.2).
      if let time { set.timeToLive = min(time, set.timeToLive ?? time) }
      sets[question] = set
    }
    try data.end()
  }
}

extension ZoneText {
  /// What stands between blanks, or in quotes; its escapes are as they were written.
  struct Word {
    var octets: [UInt8] = []
    var isQuoted = false
    var text: String { String(decoding: octets, as: UTF8.self) }
  }

  /// Why a line cannot be read.
  struct Unreadable: Error {
    var message: String
    init(_ message: String) { self.message = message }
  }

  private static func time(_ word: Word) -> Duration? {
    // RFC 2181 §8
    guard !word.isQuoted, word.octets.allSatisfy(\.isASCIIDigit) else { return nil }
    return Int32(word.text).map { .seconds($0) }
  }

  private static func words(of line: Substring.UTF8View) throws(Unreadable) -> [Word] {
    var words: [Word] = []
    var word: Word?
    var isOpen = false
    var isEscaped = false
    for octet in line {
      let isBlank = octet.isASCIIBlank || octet == .carriageReturn
      if word?.isQuoted == true, !isOpen, !isBlank, octet != UInt8(ascii: ";"), octet != UInt8(ascii: "\"") {
        throw Unreadable("a quoted string is followed by something without a blank")
      }
      if isEscaped || octet == UInt8(ascii: "\\") {
        isEscaped = !isEscaped
        word = word ?? Word()
        word?.octets.append(octet)
      } else if isOpen {
        if octet == UInt8(ascii: "\"") { isOpen = false } else { word?.octets.append(octet) }
      } else if octet == UInt8(ascii: ";") {
        break
      } else if isBlank || octet == UInt8(ascii: "\"") {
        if let word { words.append(word) }
        isOpen = octet == UInt8(ascii: "\"")
        word = isOpen ? Word(isQuoted: true) : nil
      } else {
        word = word ?? Word()
        word?.octets.append(octet)
      }
    }
    guard !isOpen else { throw Unreadable("a quoted string has no end") }
    if let word { words.append(word) }
    return words
  }
}

extension Optional {
  func orThrow(_ message: @autoclosure () -> String) throws(ZoneText.Unreadable) -> Wrapped {
    guard let self else { throw ZoneText.Unreadable(message()) }
    return self
  }
}
