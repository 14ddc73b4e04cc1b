import NIOCore

/// How much is read from a socket at once: little as long as commands come, since ten thousand idle connections keep a
/// buffer each; much from the first read that fills the buffer, as content does, until nothing but commands came for a
/// while.
///
/// In a session of many messages the buffer so stays large, and what a client sends in one piece is read in one piece.
struct ReadBuffers: RecvByteBufferAllocator {
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

  func nextBufferSize() -> Int? { size }

  mutating func record(actualReadBytes: Int) -> Bool {
    let mayGrow = !isLarge && actualReadBytes >= Self.small
    readsWithoutContent = actualReadBytes >= Self.small ? 0 : min(readsWithoutContent + 1, Self.patience)
    return mayGrow
  }
}
