package import MailDNS

/// What a message says to a question: the answer, or that it ends at an alias and the rest is to be asked for.
package enum DNSReply: Hashable, Sendable {
  case answer(DNSAnswer)
  /// Aliases that lead to a name of which the message says nothing.
  case alias(AliasChain)
}

/// The aliases from the name that was asked for to the one whose records are wanted.
package struct AliasChain: Hashable, Sendable {
  /// Most aliases in a row that are followed.
  package let limit: Int
  /// The names behind that which was asked for, in order.
  package private(set) var names: [DNSName] = []
  /// The shortest time for which an alias may be kept.
  package private(set) var timeToLive: Duration = .seconds(Int64(Int32.max))
  /// Whether all messages so far had the AD bit.
  package fileprivate(set) var isAuthenticated = true

  package init(limit: Int = 8) { self.limit = limit }

  fileprivate mutating func follow(from first: DNSName, to target: DNSName, timeToLive: Duration)
    throws(DNSMessage.Malformation)
  {
    guard target != first, !names.contains(target) else {
      throw DNSMessage.Malformation("the aliases of \(first) go in a circle at \(target)")
    }
    guard names.count < limit else {
      throw DNSMessage.Malformation("there are more than \(limit) aliases in a row behind \(first)")
    }
    names.append(target)
    self.timeToLive = min(self.timeToLive, timeToLive)
  }
}

extension DNSReply {
  /// Reads octets as the reply to a question.
  ///
  /// What the message says of other names is not heard, unless it says nothing else: "no such record" must not be concluded from
  /// an answer about somebody else, so that is malformed.
  ///
  /// - Parameters:
  ///   - question: What was asked first.
  ///   - chain: The aliases so far, of earlier messages; the message must answer for the last of them.
  ///   - isTrusted: Whether the AD bit counts.
  package init(_ octets: [UInt8], to question: DNSQuestion, behind chain: AliasChain = .init(), isTrusted: Bool = false)
  {
    do {
      let message = try DNSMessage(octets)
      var chain = chain
      chain.isAuthenticated = chain.isAuthenticated && isTrusted && message.isAuthenticated
      self = try message.reply(to: question, behind: chain)
    } catch {
      self = .answer(
        DNSAnswer(.malformed("the answer is malformed: \(error.reason)"), aliases: chain.names))
    }
  }

  /// FORMERR.
  static let formatError: UInt16 = 1

  /// Why a server declines, by its RCODE (RFC 1035 §4.1.1, RFC 6891 §9).
  static func refusal(_ responseCode: UInt16) -> String {
    switch responseCode {
    case formatError: "the name server does not understand the question (FORMERR)"
    case 2: "the name server cannot find out (SERVFAIL)"
    case 4: "the name server does not answer such questions (NOTIMP)"
    case 5: "the name server refuses to answer (REFUSED)"
    case 16: "the name server does not know our version of EDNS (BADVERS)"
    default: "the name server answers with error \(responseCode)"
    }
  }
}

extension DNSMessage {
  fileprivate func reply(to question: DNSQuestion, behind earlier: AliasChain) throws(Malformation) -> DNSReply {
    let asked = earlier.names.last ?? question.name
    guard isResponse else { throw Malformation("it is no answer") }
    guard self.question == (asked, question.type.rawValue, Self.classIN) else {
      throw Malformation("it answers another question, \(self.question.name)")
    }
    guard responseCode == 0 || responseCode == 3 else {
      return .answer(
        DNSAnswer(.temporaryFailure(DNSReply.refusal(responseCode)), aliases: earlier.names))
    }
    guard !isTruncated else { throw Malformation("it is larger than is read, \(octets.count) octets") }

    var chain = earlier
    let (records, hasOthers) = try followAliases(of: question, in: &chain)
    guard records.isEmpty else {
      guard responseCode == 0 else { throw Malformation("it has records, and says that there is no such name") }
      return .answer(try answer(records, type: question.type, chain))
    }
    let name = chain.names.last ?? question.name
    let start = startOfAuthority(over: name)
    if responseCode == 0, start == nil, chain.names.count > earlier.names.count {
      // The server went as far as it could.
      return .alias(chain)
    }
    guard !hasOthers else { throw Malformation("it speaks of other names") }
    if responseCode == 0, start == nil, knowsNothing {
      let reason = "the name server does not know, and does not find out: it is no resolver"
      return .answer(DNSAnswer(.temporaryFailure(reason), aliases: chain.names))
    }
    return .answer(try negative(responseCode == 0 ? .noRecords : .noSuchName, start, chain))
  }

  /// The records that answer a question, behind the aliases that lead to them, in whatever order they came. Where there are
  /// none: whether there are some of the kind that do not belong to it.
  private func followAliases(of question: DNSQuestion, in chain: inout AliasChain) throws(Malformation)
    -> (records: [Record], hasOthers: Bool)
  {
    let records = answers.filter { $0.class == Self.classIN }
    let aliases = question.type == .cname ? [:] : try self.aliases(in: records)
    let wanted = records.filter { $0.type == question.type.rawValue }
    var name = chain.names.last ?? question.name
    var followedCount = 0
    while true {
      let found = wanted.filter { $0.owner == name }
      guard found.isEmpty else { return (found, false) }
      guard let alias = aliases[name] else {
        return ([], !wanted.isEmpty || aliases.count > followedCount)
      }
      try chain.follow(from: question.name, to: alias.target, timeToLive: alias.timeToLive)
      followedCount += 1
      name = alias.target
    }
  }

  private typealias Alias = (target: DNSName, timeToLive: Duration)

  private func aliases(in records: [Record]) throws(Malformation) -> [DNSName: Alias] {
    var aliases: [DNSName: Alias] = [:]
    for record in records where record.type == DNSRecordType.cname.rawValue {
      guard case .alias(let target) = try value(of: record, type: .cname) else { continue }
      guard aliases.updateValue((target, record.timeToLive), forKey: record.owner).map({ $0.target == target }) ?? true
      else { throw Malformation("\(record.owner) is an alias of two names") }
    }
    return aliases
  }

  /// A record that comes twice is one: an RRset is a set (RFC 2181 §5).
  private func answer(_ records: [Record], type: DNSRecordType, _ chain: AliasChain) throws(Malformation) -> DNSAnswer {
    var values: [DNSRecord] = []
    var known: Set<DNSRecord> = []
    var timeToLive = chain.timeToLive
    for record in records {
      let value = try value(of: record, type: type)
      if known.insert(value).inserted { values.append(value) }
      timeToLive = min(timeToLive, record.timeToLive)
    }
    return DNSAnswer(
      .records(values), timeToLive: timeToLive, isAuthenticated: chain.isAuthenticated, aliases: chain.names)
  }

  /// Without an SOA a negative answer may not be kept (RFC 2308 §5).
  private func negative(_ outcome: DNSAnswer.Outcome, _ start: Record?, _ chain: AliasChain) throws(Malformation)
    -> DNSAnswer
  {
    let timeToLive: Duration =
      if let start {
        min(chain.timeToLive, try negativeTimeToLive(start))
      } else {
        .zero
      }
    return DNSAnswer(outcome, timeToLive: timeToLive, isAuthenticated: chain.isAuthenticated, aliases: chain.names)
  }

  /// Whether that there is nothing cannot be concluded from silence: the server neither owns the name nor asks others, or names
  /// those who may know (RFC 2308 §2.2 tells such a referral from an answer).
  private var knowsNothing: Bool {
    guard !isAuthoritative else { return false }
    return !isRecursionAvailable || authorities.contains { $0.type == Self.typeNS }
  }

  private func startOfAuthority(over name: DNSName) -> Record? {
    authorities.first { $0.type == Self.typeSOA && $0.class == Self.classIN && name.isWithin($0.owner) }
  }
}
