import Foundation
import MailModel
import Synchronization
import SystemDNS
import Testing

/// A name server on loopback that does what a real one never would: UDP and TCP on one port of `127.0.0.1`, each query answered
/// by what the test says.
final class ScriptedServer: Sendable {
  /// A query, and how it came.
  struct Query: Sendable {
    var octets: [UInt8]
    var isTCP: Bool
    /// Where to a datagram is answered.
    fileprivate var peer: sockaddr_storage?

    var name: String { WireMessage.question(of: octets).name }
    var identifier: UInt16 { UInt16(octets[0]) << 8 | UInt16(octets[1]) }
    /// Whether it has an OPT record (RFC 6891), and the size of a datagram that it takes.
    var payload: Int? {
      guard octets[11] == 1 else { return nil }
      let end = WireMessage.endOfQuestion(octets)
      return Int(octets[end + 3]) << 8 | Int(octets[end + 4])
    }
    /// Whether it wants to know of the AD bit (RFC 6840 §5.7).
    var wantsAuthentication: Bool { octets[3] & 0x20 != 0 }
    /// An answer to it.
    func reply(_ flags: UInt16 = 0x8180) -> WireMessage { WireMessage(to: octets, flags: flags) }
  }

  /// What comes back: datagrams, or messages behind their length; none is silence.
  typealias Script = @Sendable (Query) -> [[UInt8]]

  let port: UInt16
  private let datagrams: Int32
  private let listener: Int32
  private let script: Script
  private struct Log: Sendable {
    var queries: [Query] = []
    var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
  }
  private let log = Mutex(Log())
  private let connections = Mutex<[Int32]>([])

  var queries: [Query] { log.withLock { $0.queries } }
  var nameServer: SystemResolver.NameServer { .init(.v4(0x7F00_0001), port: port) }

  init(_ script: @escaping Script) throws {
    self.script = script
    var sockets: (UInt16, Int32, Int32)?
    while sockets == nil { sockets = try Self.bindBoth() }
    (port, datagrams, listener) = try #require(sockets)
    Thread { [self] in serveDatagrams() }.start()
    Thread { [self] in serveConnections() }.start()
  }

  /// Wakes the threads, which close what is theirs.
  func stop() {
    shutdown(datagrams, Int32(SHUT_RDWR))
    shutdown(listener, Int32(SHUT_RDWR))
    connections.withLock { for connection in $0 { shutdown(connection, Int32(SHUT_RDWR)) } }
  }

  /// Waits until so many queries came.
  func receive(_ count: Int) async {
    await withCheckedContinuation { continuation in
      let isThere = log.withLock { log in
        guard log.queries.count < count else { return true }
        log.waiters.append((count, continuation))
        return false
      }
      if isThere { continuation.resume() }
    }
  }

  private func answers(to octets: [UInt8], from peer: sockaddr_storage? = nil) -> [[UInt8]] {
    guard octets.count >= 17 else { return [] }
    let query = Query(octets: octets, isTCP: peer == nil, peer: peer)
    let woken = log.withLock { log in
      log.queries.append(query)
      defer { log.waiters.removeAll { $0.count <= log.queries.count } }
      return log.waiters.filter { $0.count <= log.queries.count }
    }
    for waiter in woken { waiter.continuation.resume() }
    return script(query)
  }

  private func serveDatagrams() {
    defer { close(datagrams) }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      var peer = sockaddr_storage()
      var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let count = withUnsafeMutablePointer(to: &peer) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          recvfrom(datagrams, &buffer, buffer.count, 0, $0, &size)
        }
      }
      guard count > 0 else { return }
      for answer in answers(to: Array(buffer[..<count]), from: peer) { send(answer, to: peer) }
    }
  }

  /// Answers a query late, which the script had met with silence.
  func answer(_ query: Query, _ octets: [UInt8]) {
    if let peer = query.peer { send(octets, to: peer) }
  }

  private func send(_ octets: [UInt8], to peer: sockaddr_storage) {
    _ = withUnsafePointer(to: peer) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(datagrams, octets, octets.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private func serveConnections() {
    defer { close(listener) }
    while true {
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else { return }
      connections.withLock { $0.append(connection) }
      Thread { [self] in serve(connection) }.start()
    }
  }

  private func serve(_ connection: Int32) {
    defer {
      connections.withLock { $0.removeAll { $0 == connection } }
      close(connection)
    }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var input: [UInt8] = []
    while true {
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0 else { return }
      input += buffer[..<count]
      guard input.count > 2, input.count >= 2 + Int(input[0]) << 8 + Int(input[1]) else { continue }
      for answer in answers(to: Array(input.dropFirst(2))) {
        let framed = wire(UInt16(answer.count)) + answer
        guard Foundation.send(connection, framed, framed.count, Int32(MSG_NOSIGNAL)) == framed.count else { return }
      }
      input = []
    }
  }

  private static func bindBoth() throws -> (UInt16, Int32, Int32)? {
    let datagrams = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    try #require(datagrams >= 0 && listener >= 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(datagrams, $0, size) == 0 && getsockname(datagrams, $0, &size) == 0 && bind(listener, $0, size) == 0
          && listen(listener, 100) == 0
      }
    }
    if isBound { return (UInt16(bigEndian: address.sin_port), datagrams, listener) }
    close(datagrams)
    close(listener)
    return nil
  }
}

/// Runs a scripted server while `body` runs.
func withScriptedServer<Value>(
  _ script: @escaping ScriptedServer.Script, _ body: (ScriptedServer) async throws -> Value
) async throws -> Value {
  let server = try ScriptedServer(script)
  defer { server.stop() }
  return try await body(server)
}
