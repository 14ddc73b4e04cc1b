import MailModel

/// The header of version 2, a block of octets (§2.2): signature, command, family, length, addresses, vectors.
enum ProxyBlock {
  typealias Interruption = ProxyHeaderReader.Interruption

  static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
  /// Octets up to the length, which it does not count.
  private static let fixedPart = 16

  private enum Family: UInt8 {
    case unspecified, internet, internet6, unix

    /// Octets of both addresses, with their ports.
    var addressOctets: Int {
      switch self {
      case .unspecified: 0
      case .internet: 2 * (4 + 2)
      case .internet6: 2 * (16 + 2)
      case .unix: 2 * 108
      }
    }
  }

  static func read(_ input: Span<UInt8>, limit: Int) throws(Interruption) -> ProxyHeaderReader.Outcome {
    for index in signature.indices {
      guard try octet(at: index, input) == signature[index] else { throw .malformed(.signature) }
    }
    let command = try octet(at: 12, input)
    guard command >> 4 == 2 else { throw .malformed(.version) }
    guard command & 0xF <= 1 else { throw .malformed(.command) }
    let isLocal = command & 0xF == 0
    let protocols = try octet(at: 13, input)
    // The family of LOCAL means nothing.
    let family = Family(rawValue: isLocal ? 0 : protocols >> 4)
    guard let family, isLocal || protocols & 0xF <= 2 else { throw .malformed(.addressFamily) }
    let end = try end(input, limit: limit)
    guard end - fixedPart >= family.addressOctets else { throw .malformed(.length) }
    guard input.count >= end else { throw .incomplete }

    var facts = ProxyFacts(isLocal: isLocal)
    // What LOCAL brings is to be discarded, and where unspecified addresses end nobody says.
    if family != .unspecified {
      let header = input.extracting(0..<end)
      if protocols & 0xF == 1 { facts.takeAddresses(header, at: fixedPart, family.addressOctets) }
      try facts.takeVectors(header, from: fixedPart + family.addressOctets)
    }
    return .header(facts, consumed: end)
  }

  /// Where the header ends, as its length says; too long at the first octet that says so.
  private static func end(_ input: Span<UInt8>, limit: Int) throws(Interruption) -> Int {
    let high = fixedPart + Int(try octet(at: 14, input)) << 8
    guard high <= limit else { throw .malformed(.tooLong) }
    let end = high + Int(try octet(at: 15, input))
    guard end <= limit else { throw .malformed(.tooLong) }
    return end
  }

  private static func octet(at index: Int, _ input: Span<UInt8>) throws(Interruption) -> UInt8 {
    guard index < input.count else { throw .incomplete }
    return input[index]
  }
}

extension ProxyFacts {
  /// Both addresses, then both ports, in network order. Nothing for addresses that are no IP addresses.
  fileprivate mutating func takeAddresses(_ header: Span<UInt8>, at start: Int, _ count: Int) {
    let width = (count - 4) / 2
    func endpoint(_ index: Int) -> SocketEndpoint? {
      let octets = header.extracting(start + index * width..<start + (index + 1) * width).array()
      let port = header.integer(at: start + 2 * width + 2 * index, octets: 2)
      return IPAddress(octets: octets).map { SocketEndpoint(address: $0, port: UInt16(truncatingIfNeeded: port)) }
    }
    (source, destination) = (endpoint(0), endpoint(1))
  }
}

extension Span<UInt8> {
  /// At most eight octets in network order.
  func integer(at start: Int, octets: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in start..<(start + octets) { value = value << 8 | UInt64(self[index]) }
    return value
  }
}
