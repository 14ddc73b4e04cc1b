/// Content that lies in memory as a whole: a prefix and a body, read as one.
package struct InMemoryContent: MessageContent {
  private let prefix: [UInt8]
  private let body: [UInt8]

  package init(prefix: [UInt8], body: [UInt8]) { (self.prefix, self.body) = (prefix, body) }

  package var count: Int { prefix.count + body.count }

  package func read(from offset: Int, limit: Int) async throws -> [UInt8] {
    let start = min(max(0, offset), count)
    let end = start + min(max(0, limit), count - start)
    return unsafe [UInt8](unsafeUninitializedCapacity: end - start) { buffer, count in
      let fromPrefix = prefix[min(start, prefix.count)..<min(end, prefix.count)]
      let fromBody = body[max(0, start - prefix.count)..<max(0, end - prefix.count)]
      let middle = unsafe buffer[...].initialize(fromContentsOf: fromPrefix)
      count = unsafe buffer[middle...].initialize(fromContentsOf: fromBody)
    }
  }
}
