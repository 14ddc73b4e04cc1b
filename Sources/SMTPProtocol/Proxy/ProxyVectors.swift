import MailModel

// Type, length, value: what stands behind the addresses of a header of version 2 (§2.2).

/// Goes from vector to vector.
private struct ProxyVectors {
  typealias Interruption = ProxyHeaderReader.Interruption

  private var position: Int
  private let end: Int

  init(_ range: Range<Int>) { (position, end) = (range.lowerBound, range.upperBound) }

  /// The next one's type, and where its value stands; `nil` at the end, which is a vector's end too.
  mutating func next(_ header: Span<UInt8>) throws(Interruption) -> (type: UInt8, value: Range<Int>)? {
    guard position < end else { return nil }
    guard end - position >= 3 else { throw .malformed(.length) }
    let start = position + 3
    let length = Int(header.integer(at: position + 1, octets: 2))
    guard end - start >= length else { throw .malformed(.length) }
    let type = header[position]
    position = start + length
    return (type, start..<position)
  }
}

extension ProxyFacts {
  /// Octets of a unique ID (§2.2.5).
  private static let uniqueIDLimit = 128

  /// Takes what is known of the vectors from `start` to the header's end, and passes over the rest.
  mutating func takeVectors(_ header: Span<UInt8>, from start: Int) throws(ProxyHeaderReader.Interruption) {
    var vectors = ProxyVectors(start..<header.count)
    var hasChecksum = false
    while let (type, value) = try vectors.next(header) {
      switch type {
      case 0x01: try applicationProtocol.take(header.extracting(value).array())
      case 0x02: try authority.take(header.text(in: value))
      case 0x03:
        guard !hasChecksum else { throw .malformed(.repetition) }
        guard value.count == 4 else { throw .malformed(.length) }
        hasChecksum = true
        let checksum = CRC32C.checksum(of: header, withZerosAt: value)
        guard header.integer(at: value.lowerBound, octets: 4) == UInt64(checksum) else { throw .malformed(.checksum) }
      case 0x05:
        guard value.count <= Self.uniqueIDLimit else { throw .malformed(.length) }
        try uniqueID.take(header.extracting(value).array())
      case 0x20: try tls.take(ProxyTLSFacts(header, value))
      case 0x30: try networkNamespace.take(header.asciiText(in: value))
      case 0xE0...0xEF:
        if let endpoint = VPCEndpoint(type: type, header.extracting(value)) { try vpcEndpoint.take(endpoint) }
      default: break
      }
    }
  }
}

extension ProxyTLSFacts {
  /// Flags, the result of verification, and vectors within.
  fileprivate init(_ header: Span<UInt8>, _ range: Range<Int>) throws(ProxyHeaderReader.Interruption) {
    guard range.count >= 5 else { throw .malformed(.length) }
    let flags = header[range.lowerBound]
    isSecured = flags & 0x01 != 0
    hasConnectionCertificate = flags & 0x02 != 0
    hasSessionCertificate = flags & 0x04 != 0
    verifyResult = UInt32(truncatingIfNeeded: header.integer(at: range.lowerBound + 1, octets: 4))
    var vectors = ProxyVectors(range.lowerBound + 5..<range.upperBound)
    while let (type, value) = try vectors.next(header) {
      switch type {
      case 0x21: try version.take(header.asciiText(in: value))
      case 0x22: try commonName.take(header.text(in: value))
      case 0x23: try cipher.take(header.asciiText(in: value))
      case 0x24: try signatureAlgorithm.take(header.asciiText(in: value))
      case 0x25: try keyAlgorithm.take(header.asciiText(in: value))
      default: break
      }
    }
  }
}

extension VPCEndpoint {
  /// A vector of the range that applications have to themselves (§2.2.8): what is not in exactly the form that one of
  /// the clouds gives it is something else of somebody else's, `nil`.
  fileprivate init?(type: UInt8, _ value: Span<UInt8>) {
    switch type {
    case 0xEA where value.count > 1 && value[0] == 0x01:
      self.init(value.extracting(1...).text(), provider: .amazonWebServices)
    case 0xEE where value.count == 5 && value[0] == 0x01:
      let link = UInt32(truncatingIfNeeded: value.integer(at: 1, octets: 4)).byteSwapped  // the low octet comes first
      self.init("\(link)", provider: .azure)
    case 0xE0 where value.count == 8:
      self.init("\(value.integer(at: 0, octets: 8))", provider: .googleCloud)
    default: return nil
    }
  }
}

extension Optional {
  /// For a value that may come once.
  fileprivate mutating func take(_ value: Wrapped) throws(ProxyHeaderReader.Interruption) {
    guard self == nil else { throw .malformed(.repetition) }
    self = value
  }
}

extension Span<UInt8> {
  /// UTF-8 without control characters (Unicode's category Cc).
  fileprivate func text(in range: Range<Int>) throws(ProxyHeaderReader.Interruption) -> String {
    guard let text = String(validating: extracting(range).array(), as: UTF8.self),
      text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
    else { throw .malformed(.text) }
    return text
  }

  /// Visible US-ASCII and blanks.
  fileprivate func asciiText(in range: Range<Int>) throws(ProxyHeaderReader.Interruption) -> String {
    let text = try text(in: range)
    guard text.utf8.count == text.unicodeScalars.count else { throw .malformed(.text) }
    return text
  }
}
