import MailModel
import SMTPProtocol

/// Builds headers of version 2 the obvious way.
struct ProxyBlockFixture {
  static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A] + Array("QUIT\n".utf8)
  static let v4Addresses: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 0x04, 0x02, 0x4B]  // ports 56324, 587

  var versionAndCommand: UInt8 = 0x21
  var protocols: UInt8 = 0x11
  var addresses = v4Addresses
  var vectors: [UInt8] = []
  /// Where it differs from what follows.
  var length: Int?

  var octets: [UInt8] {
    let body = addresses + vectors
    let length = length ?? body.count
    return Self.signature + [versionAndCommand, protocols, UInt8(length >> 8), UInt8(length & 0xFF)] + body
  }

  /// With a vector of CRC32C that is right, behind the others.
  var withChecksum: [UInt8] {
    var fixture = self
    fixture.vectors += vector(0x03, [0, 0, 0, 0])
    var octets = fixture.octets
    let checksum = referenceCRC32C(octets)
    for index in 0..<4 { octets[octets.count - 4 + index] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * index)) }
    return octets
  }
}

func vector(_ type: UInt8, _ value: [UInt8]) -> [UInt8] {
  [type, UInt8(value.count >> 8), UInt8(value.count & 0xFF)] + value
}
func vector(_ type: UInt8, _ text: String) -> [UInt8] { vector(type, Array(text.utf8)) }

/// By the polynomial as it is written, not reflected: another way than the reader's.
func referenceCRC32C(_ octets: [UInt8]) -> UInt32 {
  func reflected<Value: FixedWidthInteger>(_ value: Value) -> Value {
    (0..<Value.bitWidth).reduce(0) { $0 << 1 | (value >> Value($1) & 1) }
  }
  var remainder = UInt32.max
  for octet in octets {
    remainder ^= UInt32(reflected(octet)) << 24
    for _ in 0..<8 { remainder = remainder >> 31 == 1 ? remainder << 1 ^ 0x1EDC_6F41 : remainder << 1 }
  }
  return ~reflected(remainder)
}

func endpoint(_ address: String, _ port: UInt16) -> SocketEndpoint? {
  IPAddress(address).map { SocketEndpoint(address: $0, port: port) }
}

extension ProxyHeaderReader {
  func read(_ octets: [UInt8]) -> Outcome { read(octets.span) }
  func read(_ text: String) -> Outcome { read(Array(text.utf8)) }
}
