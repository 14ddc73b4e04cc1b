import MailModel

/// The content between 354 and CRLF.CRLF (RFC 5321 §4.5.2): undoes dot-stuffing, and is strict about line ends.
///
/// It starts as if just behind CRLF, keeps no octets, and after a defect reads on to the true end, so that nobody smuggles
/// a second message behind an end that only some programs see.
struct ContentReader {
  /// What makes a message unacceptable, the first one met.
  enum Defect: Equatable { case bareCarriageReturn, bareLineFeed, null, longLine }

  enum Event: Equatable {
    /// Octets of the message; go on at `next`.
    case octets(Range<Int>, next: Int)
    /// All of the input is read.
    case more
    /// The message ended just before `next`.
    case end(next: Int)
  }

  private enum Position { case lineStart, inLine, carriageReturn, dot, dotCarriageReturn }

  private(set) var defect: Defect?
  private let lineLimit: Int
  private var position = Position.lineStart
  private var lineOctets = 0

  /// - Parameter lineLimit: octets of a line without its CRLF.
  init(lineLimit: Int) { self.lineLimit = lineLimit }

  mutating func next(_ input: Span<UInt8>, from offset: Int) -> Event {
    var index = offset
    var start = offset
    while index < input.count {
      switch position {
      case .lineStart:
        if input[index] == UInt8(ascii: ".") {  // stuffing or the end: never content
          position = .dot
          let content = start..<index
          index += 1
          start = index
          if !content.isEmpty { return .octets(content, next: index) }
        } else {
          position = .inLine
          readLine(input, &index)
        }
      case .inLine:
        readLine(input, &index)
      case .carriageReturn:
        if input[index] == .lineFeed {
          if lineOctets > lineLimit { note(.longLine) }
          lineOctets = 0
          position = .lineStart
          index += 1
        } else {
          note(.bareCarriageReturn)
          position = .inLine
        }
      case .dot:
        if input[index] == .carriageReturn {
          position = .dotCarriageReturn
          index += 1
          start = index
        } else {
          position = .inLine
        }
      case .dotCarriageReturn:
        guard input[index] != .lineFeed else {
          position = .lineStart
          return .end(next: index + 1)
        }
        note(.bareCarriageReturn)
        position = .inLine
      }
    }
    return index > start ? .octets(start..<index, next: index) : .more
  }

  /// Within a line: to the next octet that matters.
  private mutating func readLine(_ input: Span<UInt8>, _ index: inout Int) {
    let from = index
    index = input.firstLowOctet(from: index)
    lineOctets += index - from
    guard index < input.count else {
      if lineOctets > lineLimit { note(.longLine) }
      return
    }
    switch input[index] {
    case .carriageReturn:
      position = .carriageReturn
      index += 1
      return
    case .lineFeed: note(.bareLineFeed)
    case 0: note(.null)
    default: break
    }
    lineOctets += 1
    index += 1
  }

  private mutating func note(_ defect: Defect) {
    if self.defect == nil { self.defect = defect }
  }
}

extension Span<UInt8> {
  /// The first octet below 0x0E at `start` or behind it; else `count`. Eight at a time, since every octet of every message
  /// passes here.
  func firstLowOctet(from start: Int) -> Int {
    var index = start
    let bytes = unsafe self.bytes
    while index + 8 <= count {
      // In bounds by the condition above.
      let word = unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self))
      let low = (word &- 0x0E0E_0E0E_0E0E_0E0E) & ~word & 0x8080_8080_8080_8080
      if low != 0 { return index + low.trailingZeroBitCount / 8 }
      index += 8
    }
    while index < count, self[index] >= 0x0E { index += 1 }
    return index
  }
}
