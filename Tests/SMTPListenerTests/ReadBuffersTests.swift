import NIOCore
import Testing

@testable import SMTPListener

/// Through the pool in which a channel keeps its buffers.
@Suite struct ReadBuffersTests {
  private var pool = NIOPooledRecvBufferAllocator(
    capacity: Int(ReadBuffers.kept), recvAllocator: ReadBuffers())
  private let allocator = ByteBufferAllocator()

  /// Reads so many octets, as far as the buffer goes.
  ///
  /// - Returns: the room there was.
  private mutating func read(_ octets: Int) -> Int {
    let (_, room) = pool.buffer(allocator: allocator) { buffer in
      let room = buffer.writableBytes
      buffer.writeRepeatingByte(0, count: min(octets, room))
      return room
    }
    pool.record(actualReadBytes: min(octets, room))
    return room
  }

  @Test mutating func contentMakesThemLargeAndCommandsSmallAgain() {
    for _ in 0..<3 {
      #expect(read(30) == ReadBuffers.small)
      #expect(read(ReadBuffers.small - 1) == ReadBuffers.small)
      #expect(read(5_000) == ReadBuffers.small)
      for _ in 0..<ReadBuffers.patience { #expect(read(30) == ReadBuffers.large) }
      #expect(read(30) == ReadBuffers.small)
    }
    #expect(pool.count == 1)
  }

  @Test mutating func aFullBufferIsContent() {
    #expect(read(ReadBuffers.small) == ReadBuffers.small)
    #expect(read(ReadBuffers.large) == ReadBuffers.large)
    #expect(read(30) == ReadBuffers.large)
  }
}
