/// Finds the end of a message's header section (RFC 5322 §2.1) while the message comes in.
///
/// Shown the same growing octets again and again, it looks at each only once. It takes CRLF alone for the end of a
/// line; whoever feeds it has refused every other kind.
public struct HeaderScanner: Sendable {
  /// Where the header section ends.
  public struct End: Hashable, Sendable {
    /// Behind the CRLF of the last field.
    public var header: Int
    /// Where the body begins: behind the empty line, or right behind the fields where that is missing.
    public var body: Int
  }

  private enum Position { case lineStart, name, blankBehindName, value, carriageReturn, emptyLine }
  private var position = Position.lineStart
  private var index = 0
  private var lineStart = 0

  /// A scanner at the first octet of a message.
  public init() {}

  /// The end of the header section, or `nil` where it is not in `message` yet. A line that is neither a field nor the
  /// continuation of one ends the section and belongs to the body.
  ///
  /// - Parameter message: the message from its first octet on, with everything that earlier calls were shown.
  public mutating func scan(_ message: Span<UInt8>) -> End? {
    while index < message.count {
      let octet = message[index]
      switch position {
      case .lineStart:
        lineStart = index
        if octet == .carriageReturn {
          position = .emptyLine
        } else if octet.isASCIIBlank, index > 0 {
          position = .value
        } else if octet.isFieldNameText {
          position = .name
        } else {
          return End(header: lineStart, body: lineStart)
        }
      case .name:
        if octet == UInt8(ascii: ":") {
          position = .value
        } else if octet.isASCIIBlank {
          position = .blankBehindName
        } else if !octet.isFieldNameText {
          return End(header: lineStart, body: lineStart)
        }
      case .blankBehindName:  // obs-optional of RFC 5322 §4.5.8
        if octet == UInt8(ascii: ":") {
          position = .value
        } else if !octet.isASCIIBlank {
          return End(header: lineStart, body: lineStart)
        }
      case .value:
        if octet == .carriageReturn { position = .carriageReturn }
      case .carriageReturn:
        position = octet == .lineFeed ? .lineStart : .value
      case .emptyLine:
        return octet == .lineFeed
          ? End(header: lineStart, body: index + 1) : End(header: lineStart, body: lineStart)
      }
      index += 1
    }
    return nil
  }

  /// The end of the header section of a message that is whole and has none in `count` octets: all of it is header,
  /// unless its last line is no field.
  public func end(ofMessage count: Int) -> End {
    switch position {
    case .lineStart: End(header: count, body: count)
    case .name, .blankBehindName, .emptyLine: End(header: lineStart, body: lineStart)
    case .value, .carriageReturn: End(header: count, body: count)
    }
  }
}

extension UInt8 {
  /// `ftext` of RFC 5322 §3.6.8.
  var isFieldNameText: Bool { isASCIIVisible && self != UInt8(ascii: ":") }
}
