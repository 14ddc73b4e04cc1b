import NIOCore

/// How much is read from a socket at once: little as long as commands come, since ten thousand idle connections keep a
/// buffer each; much from the first read that fills the buffer, as content does, until nothing but commands came for a
/// while.
///
/// In a session of many messages the buffers so stay large, and what a client sends in one piece is read in one piece.
///
/// A channel keeps its buffers, and none of them ever becomes smaller. So it is to keep one alone, the small one
/// (``kept``), and a large one is made for each read and goes with the octets in it.
struct ReadBuffers: RecvByteBufferAllocator {
  /// Buffers that a channel may keep, which is its `maxMessagesPerRead`. One full read is a round of reading then: what
  /// is left comes in the next one, behind the other connections.
  static let kept: UInt = 1
  /// Octets, for commands.
  static let small = 1_024
  /// Octets, for content.
  static let large = 16_384
  /// Reads without content that bring the small buffer back. A message makes four or so.
  static let patience = 16

  private var readsWithoutContent = Self.patience

  private var isLarge: Bool { readsWithoutContent < Self.patience }
  private var size: Int { isLarge ? Self.large : Self.small }

  func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { allocator.buffer(capacity: size) }

  /// `nil` asks for a new buffer, where ``record(actualReadBytes:)`` has said that a larger one is due.
  func nextBufferSize() -> Int? { isLarge ? nil : Self.small }

  mutating func record(actualReadBytes: Int) -> Bool {
    readsWithoutContent = actualReadBytes >= Self.small ? 0 : min(readsWithoutContent + 1, Self.patience)
    return isLarge
  }
}
