import MailModel

/// The header of version 1, a line (§2.1): `PROXY TCP4 192.0.2.1 198.51.100.1 56324 587`.
struct ProxyLine {
  typealias Interruption = ProxyHeaderReader.Interruption

  static let signature = Array("PROXY ".utf8)

  private let limit: Int
  /// Octets read so far.
  private var position = 0

  static func read(_ input: Span<UInt8>, limit: Int) throws(Interruption) -> ProxyHeaderReader.Outcome {
    var line = ProxyLine(limit: limit)
    let facts = try line.facts(input)
    return .header(facts, consumed: line.position)
  }

  private init(limit: Int) { self.limit = limit }

  private mutating func facts(_ input: Span<UInt8>) throws(Interruption) -> ProxyFacts {
    try expect(Self.signature, or: .signature, input)
    guard try next(input) == UInt8(ascii: "T") else { return try unknown(input) }
    try expect("CP".utf8, or: .addressFamily, input)
    let isV6: Bool
    switch try next(input) {
    case UInt8(ascii: "4"): isV6 = false
    case UInt8(ascii: "6"): isV6 = true
    default: throw .malformed(.addressFamily)
    }
    try expect(" ".utf8, or: .addressFamily, input)
    let source = try address(isV6: isV6, input)
    let destination = try address(isV6: isV6, input)
    let sourcePort = try port(until: .space, input)
    let destinationPort = try port(until: .carriageReturn, input)
    try expect("\n".utf8, or: .lineEnd, input)
    return ProxyFacts(
      source: SocketEndpoint(address: source, port: sourcePort),
      destination: SocketEndpoint(address: destination, port: destinationPort))
  }

  /// `UNKNOWN`, of which the first letter was read, and whatever comes before CRLF.
  private mutating func unknown(_ input: Span<UInt8>) throws(Interruption) -> ProxyFacts {
    guard input[position - 1] == UInt8(ascii: "U") else { throw .malformed(.addressFamily) }
    try expect("NKNOWN".utf8, or: .addressFamily, input)
    var octet = try next(input)
    guard octet == .space || octet == .carriageReturn else { throw .malformed(.addressFamily) }
    while octet != .carriageReturn {
      octet = try next(input)
      guard octet != .lineFeed else { throw .malformed(.lineEnd) }
    }
    try expect("\n".utf8, or: .lineEnd, input)
    return ProxyFacts()
  }

  private mutating func address(isV6: Bool, _ input: Span<UInt8>) throws(Interruption) -> IPAddress {
    let field = try field(until: .space, atMost: isV6 ? 45 : 15, or: .address, input) { octet in
      octet.isASCIIDigit || octet == UInt8(ascii: ".")
        || isV6 && (octet == UInt8(ascii: ":") || octet.hexadecimalValue != nil)
    }
    let text = input.extracting(field)
    let hasColon = text.firstIndex(of: UInt8(ascii: ":")) != nil
    guard hasColon == isV6, let address = IPAddress(text) else { throw .malformed(.address) }
    return address
  }

  /// 0 to 65535 without leading zeros.
  private mutating func port(until end: UInt8, _ input: Span<UInt8>) throws(Interruption) -> UInt16 {
    let field = try field(until: end, atMost: 5, or: .port, input) { $0.isASCIIDigit }
    guard let port = UInt16(input.extracting(field).text()), field.count == 1 || input[field.lowerBound] != 0x30 else {
      throw .malformed(.port)
    }
    return port
  }

  /// Octets of one kind, and the one behind them, which is not in the range.
  private mutating func field(
    until end: UInt8, atMost most: Int, or fault: ProxyHeaderReader.Fault, _ input: Span<UInt8>,
    of isAllowed: (UInt8) -> Bool
  ) throws(Interruption) -> Range<Int> {
    let start = position
    while true {
      let octet = try next(input)
      if octet == end { return start..<(position - 1) }
      guard isAllowed(octet), position - start <= most else { throw .malformed(fault) }
    }
  }

  private mutating func expect(
    _ octets: some Sequence<UInt8>, or fault: ProxyHeaderReader.Fault, _ input: Span<UInt8>
  ) throws(Interruption) {
    for octet in octets {
      guard try next(input) == octet else { throw .malformed(fault) }
    }
  }

  /// The next octet. The last two within the limit can only be those of the line's end.
  private mutating func next(_ input: Span<UInt8>) throws(Interruption) -> UInt8 {
    guard position < limit else { throw .malformed(.tooLong) }
    guard position < input.count else { throw .incomplete }
    let octet = input[position]
    position += 1
    guard position < limit - 1 || octet == .carriageReturn || octet == .lineFeed else { throw .malformed(.tooLong) }
    return octet
  }
}
