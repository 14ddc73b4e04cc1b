/// The content of BDAT chunks (RFC 3030 §2): octets that are counted and not stuffed, with the strictness of DATA, also where
/// two chunks meet. A dot on a line of its own is content here.
struct ChunkReader {
  typealias Defect = LineScanner.Defect

  enum Event: Equatable {
    /// Octets of the message; go on at `next`.
    case octets(Range<Int>, next: Int)
    /// All of the input is read.
    case more
    /// The chunk ended just before `next`.
    case end(next: Int)
  }

  /// The first one met in all chunks.
  var defect: Defect? { lines.defect }
  private var lines: LineScanner
  private var rest = 0

  /// - Parameter lineLimit: octets of a line without its CRLF.
  init(lineLimit: Int) { lines = LineScanner(limit: lineLimit) }

  /// A chunk of so many octets comes next, which may be none.
  mutating func begin(octets: Int) { rest = max(0, octets) }

  mutating func next(_ input: Span<UInt8>, from offset: Int) -> Event {
    guard rest > 0 else { return .end(next: offset) }
    let end = input.count - offset > rest ? offset + rest : input.count
    guard offset < end else { return .more }
    rest -= end - offset
    var index = offset
    while index < end { index = lines.readLine(input, from: index, to: end) }
    return .octets(offset..<end, next: end)
  }

  /// Behind the last chunk: a CR at the very end of the message is a defect.
  mutating func finish() { lines.finish() }
}
