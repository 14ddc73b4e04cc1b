import Foundation
import PeerTesting
import Testing

/// A port of loopback that is the test's own until ``release()``. Nobody listens on it, so connections are refused,
/// until a server of the test's binds it with SO_REUSEADDR, as servers do; the system gives it to nobody else.
final class ReservedPort: Sendable {
  let number: Int
  private let descriptor: Int32

  init() throws {
    #if canImport(Glibc)
    let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    #else
    let stream = SOCK_STREAM
    #endif
    let descriptor = socket(AF_INET, stream, 0)
    var yes: Int32 = 1
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
          | bind(descriptor, address, length) | getsockname(descriptor, address, &length)
      }
    }
    self.descriptor = descriptor
    number = Int(UInt16(bigEndian: address.sin_port))
    try #require(result == 0 && number > 0)
  }

  /// To be called at the very end, so that the port is not let go before.
  func release() { close(descriptor) }
}

/// Returns when a connection to the port is taken. Blocks.
func waitUntilListening(_ port: ReservedPort) throws {
  for _ in 0..<200 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = loopback(port.number)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if result == 0 { return }
    usleep(50_000)
  }
  throw DemoServer.Failure(description: "nobody listens on port \(port.number)")
}

private func loopback(_ port: Int) -> sockaddr_in {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = inet_addr("127.0.0.1")
  address.sin_port = UInt16(port).bigEndian
  return address
}

/// A host that greets everybody with one line and ends there; or says nothing at all.
final class ScriptedHost: Sendable {
  private let child: Child

  init(greeting: String?, port: ReservedPort) throws {
    let script = """
      import socket, sys, threading
      greeting = sys.argv[2]
      server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
      held = []
      while True:
        connection, _ = server.accept()
        held.append(connection)
        try:
          if greeting:
            connection.sendall(greeting.encode() + b"\\r\\n")
            connection.shutdown(socket.SHUT_WR)
        except OSError:
          pass  # gone already
      """
    child = try Child(
      try #require(Peer.python3.path), ["-c", script, "\(port.number)", greeting ?? ""], input: nil,
      output: .nullDevice, errors: .standardError)
    try waitUntilListening(port)
  }

  func stop() {
    child.signal(SIGKILL)
    _ = child.wait(seconds: 10)
  }
}

/// Postfix's `smtp-sink`: accepts everything, and writes each transaction into a file of its own.
final class Sink: Sendable {
  private let folder: String
  private let child: Child

  init(folder: String, port: ReservedPort) throws {
    self.folder = folder + "/sink"
    try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: self.folder)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
    let user = getuid() == 0 ? ["-u", "nobody"] : []
    child = try Child(
      try #require(Peer.smtpSink.path), user + ["-d", self.folder + "/%H%M%S.", "127.0.0.1:\(port.number)", "100"],
      input: nil,
      output: .nullDevice, errors: .standardError)
    try waitUntilListening(port)
  }

  func stop() {
    child.signal(SIGKILL)
    _ = child.wait(seconds: 10)
  }

  /// How many messages have come, the one that is being written included.
  func count() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: folder).count }

  func messages() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).map {
      try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)
    }
  }
}
