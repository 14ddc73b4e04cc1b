package import MailDNS
import MailModel

extension DNSMessage {
  /// What a record of a type says; an error where its data are not what the type wants, to the octet.
  package func value(of record: Record, type: DNSRecordType) throws(Malformation) -> DNSRecord {
    do {
      return try unnamedValue(of: record, type: type)
    } catch {
      throw Malformation("the data of a record \(type) at \(record.owner) are damaged: \(error.reason)")
    }
  }

  private func unnamedValue(of record: Record, type: DNSRecordType) throws(Malformation) -> DNSRecord {
    var reader = DNSReader(self, record.data)
    let value: DNSRecord
    switch type {
    case .a: value = .address(.v4(try reader.uint32()))
    // As it is: a mapped IPv4 address (RFC 4291 §2.5.5.2) in an AAAA record is no A record.
    case .aaaa: value = .address(.v6(try reader.take(16).reduce(0) { $0 << 8 | UInt128($1) }))
    case .cname: value = .alias(try reader.name())
    case .ptr: value = .pointer(try reader.name())
    case .mx:
      let preference = try reader.uint16()
      value = .mailExchanger(preference: preference, host: try reader.name())
    case .txt: value = .text(try reader.text())
    case .tlsa:
      let (usage, selector, matchingType) = (try reader.uint8(), try reader.uint8(), try reader.uint8())
      let data = Array(try reader.take(reader.remainingCount))
      guard !data.isEmpty else { throw Malformation("they are cut short") }
      value = .certificate(TLSARecord(usage: usage, selector: selector, matchingType: matchingType, data: data))
    @unknown default: throw Malformation("their type is not known")
    }
    guard reader.isAtEnd else { throw Malformation("they are too long") }
    return value
  }

  /// How long a negative answer may be kept (RFC 2308 §5): the lesser of the SOA's own time and its MINIMUM.
  func negativeTimeToLive(_ record: Record) throws(Malformation) -> Duration {
    var reader = DNSReader(self, record.data)
    _ = try reader.name()  // MNAME
    _ = try reader.name()  // RNAME
    _ = try reader.take(16)  // SERIAL, REFRESH, RETRY, EXPIRE
    let minimum = try reader.uint32()
    guard reader.isAtEnd else { throw Malformation("the data of an SOA record are too long") }
    return min(record.timeToLive, .seconds(minimum > Int32.max ? 0 : Int64(minimum)))
  }
}

extension DNSReader {
  /// Strings, each behind its length, until the end (RFC 1035 §3.3.14). One at least.
  fileprivate mutating func text() throws(Malformation) -> DNSText {
    var strings: [[UInt8]] = []
    repeat {
      let count = Int(try uint8())
      strings.append(Array(try take(count)))
    } while !isAtEnd
    return DNSText(strings: strings)
  }
}
