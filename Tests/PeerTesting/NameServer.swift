import Foundation
import Testing

/// A real name server, nsd, on loopback, authoritative for the zones that a test writes. It serves UDP and TCP on the same port,
/// of `127.0.0.1` and, where the machine has it, of `::1`. It is no resolver: beyond its zones it answers REFUSED.
///
/// Use it by ``withNameServer(zones:_:)``, in tests that say `.needs(.nsd)`.
package final class NameServer: Sendable {
  /// Its port.
  package let port: UInt16
  /// Whether it listens on `::1` too.
  package let servesIPv6: Bool
  private let folder: String
  private let process: Child

  /// `127.0.0.1:PORT`.
  package var endpoint: String { "127.0.0.1:\(port)" }

  /// Starts a server, and returns when it answers for every zone. Blocks.
  ///
  /// - Parameter zones: Master files (RFC 1035 §5) by their origin: `["example.com": "@ TXT \"v=spf1 -all\""]`. A zone without a
  ///   `$TTL` has one of 300 s, one without an SOA gets that and an NS; its negative answers may be kept for 60 s.
  fileprivate init(zones: [String: String]) throws {
    folder = try temporaryFolder()
    do {
      for attempt in 1... {
        let free = try Self.freePort()
        let identity = UUID().uuidString
        try Self.write(zones, to: folder, port: free.port, onIPv6: free.onIPv6, identity: identity)
        let child = try Self.start(in: folder)
        if try Self.isReady(child, port: free.port, zones: Array(zones.keys), identity: identity, folder: folder) {
          (process, port, servesIPv6) = (child, free.port, free.onIPv6)
          return
        }
        // Somebody took the port between our look and the start.
        guard attempt < 8 else { throw NameServerError(folder: folder, "did not start") }
      }
      throw NameServerError(folder: folder, "did not start")
    } catch {
      try? FileManager.default.removeItem(atPath: folder)
      throw error
    }
  }

  fileprivate func stop() {
    Self.kill(process)
    try? FileManager.default.removeItem(atPath: folder)
  }
}

/// Runs a name server for these zones while `body` runs; see ``NameServer``.
package func withNameServer<Value>(
  zones: [String: String], isolation: isolated (any Actor)? = #isolation, _ body: (NameServer) async throws -> Value
) async throws -> Value {
  let server = try await offPool { try NameServer(zones: zones) }
  defer { server.stop() }
  return try await body(server)
}

/// Why a name server is not there, with what it said.
package struct NameServerError: Error, CustomStringConvertible {
  package var description: String

  fileprivate init(folder: String, _ what: String) {
    let log = (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? ""
    description = "nsd \(what)\n\(log)"
  }
}

extension NameServer {
  private static func write(
    _ zones: [String: String], to folder: String, port: UInt16, onIPv6: Bool, identity: String
  ) throws {
    var configuration = """
      server:
        server-count: 1
        ip-address: 127.0.0.1@\(port)
        \(onIPv6 ? "ip-address: ::1@\(port)" : "")
        identity: "\(identity)"
        zonesdir: "\(folder)"
        database: ""
        zonelistfile: "\(folder)/zones"
        pidfile: "\(folder)/pid"
        xfrdfile: "\(folder)/xfrd"
        xfrdir: "\(folder)"
        username: ""
        tcp-count: 100
        rrl-ratelimit: 0
      remote-control:
        control-enable: no

      """
    for (index, (origin, text)) in zones.sorted(by: { $0.key < $1.key }).enumerated() {
      configuration += "zone:\n  name: \"\(origin)\"\n  zonefile: \"zone\(index)\"\n"
      var file = text.contains("$TTL") ? "" : "$TTL 300\n"
      if !text.contains(" SOA ") {
        file += "@ SOA ns.invalid. hostmaster.invalid. 1 7200 3600 1209600 60\n@ NS ns.invalid.\n"
      }
      try Data((file + text + "\n").utf8).write(to: URL(filePath: "\(folder)/zone\(index)"))
    }
    try Data(configuration.utf8).write(to: URL(filePath: folder + "/nsd.conf"))
  }

  private static func start(in folder: String) throws -> Child {
    _ = FileManager.default.createFile(atPath: folder + "/log", contents: nil)
    let log = try FileHandle(forWritingTo: URL(filePath: folder + "/log"))
    return try Child(
      try #require(Peer.nsd.path), ["-d", "-c", folder + "/nsd.conf"], input: nil, output: log, errors: log)
  }

  /// nsd forks, and its children outlive it: all of its process group go.
  private static func kill(_ child: Child) {
    Foundation.kill(-child.processIdentifier, SIGKILL)
    child.signal(SIGKILL)
    _ = child.wait(seconds: 60)
  }

  /// Waits until this very server answers; `false` where it ended instead. Throws where it cannot serve a zone.
  private static func isReady(_ child: Child, port: UInt16, zones: [String], identity: String, folder: String) throws
    -> Bool
  {
    let end = ContinuousClock.now + .seconds(60)
    while true {
      // Its own name, so that no other server which took the port meanwhile passes for it.
      let answer = ask(port, name: "id.server", type: 16, class: 3)
      if let answer, answer.range(of: Data(identity.utf8)) != nil { break }
      guard child.isRunning else { return false }
      guard answer == nil, ContinuousClock.now < end else {
        kill(child)
        return false
      }
    }
    for zone in zones.sorted() {
      var answer: Data?
      // On a busy machine the first question may go unanswered for a while.
      while answer == nil, ContinuousClock.now < end { answer = ask(port, name: zone, type: 6, class: 1) }
      guard let answer, answer[3] & 0x0F == 0, answer[7] > 0 else {
        let error = NameServerError(folder: folder, "does not serve \(zone)")
        kill(child)
        throw error
      }
    }
    return true
  }

  /// A port that is free for UDP and TCP. Not one of those that the system gives away by itself, to resolvers for example.
  private static func freePort() throws -> (port: UInt16, onIPv6: Bool) {
    let onIPv6 = canBind(0, AF_INET6, SOCK_DGRAM)
    for _ in 0..<1_000 {
      let port = UInt16.random(in: 10_000..<30_000)
      let families = onIPv6 ? [AF_INET, AF_INET6] : [AF_INET]
      let isFree = families.allSatisfy { canBind(port, $0, SOCK_DGRAM) && canBind(port, $0, SOCK_STREAM) }
      if isFree { return (port, onIPv6) }
    }
    throw CocoaError(.featureUnsupported)
  }
}

// MARK: - Sockets

#if canImport(Glibc)
private let SOCK_STREAM = Int32(Foundation.SOCK_STREAM.rawValue)
private let SOCK_DGRAM = Int32(Foundation.SOCK_DGRAM.rawValue)
#endif

private func withLoopback<Value>(
  _ family: Int32, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
) -> Value {
  if family == AF_INET6 {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    address.sin6_addr = in6addr_loopback
    return withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in6>.size)) }
    }
  }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  return withUnsafePointer(to: address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
  }
}

private func canBind(_ port: UInt16, _ family: Int32, _ type: Int32) -> Bool {
  let socket = socket(family, type, 0)
  guard socket >= 0 else { return false }
  defer { close(socket) }
  return withLoopback(family, port) { bind(socket, $0, $1) } == 0
}

/// Sends one question over UDP and waits a moment for its answer.
private func ask(_ port: UInt16, name: String, type: UInt8, class: UInt8) -> Data? {
  var query: [UInt8] = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
  for label in name.split(separator: ".") { query += [UInt8(label.utf8.count)] + label.utf8 }
  query += [0, 0, type, 0, `class`]

  let socket = socket(AF_INET, SOCK_DGRAM, 0)
  guard socket >= 0 else { return nil }
  defer { close(socket) }
  guard withLoopback(AF_INET, port, { connect(socket, $0, $1) }) == 0 else { return nil }
  guard send(socket, query, query.count, 0) == query.count else { return nil }
  var ready = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
  guard poll(&ready, 1, 20) == 1 else { return nil }
  var answer = [UInt8](repeating: 0, count: 4_096)
  let count = recv(socket, &answer, answer.count, 0)
  if count < 12 {
    // Nobody listens yet, of which the kernel tells at once.
    _ = poll(nil, 0, 10)
    return nil
  }
  return Data(answer[..<count])
}
