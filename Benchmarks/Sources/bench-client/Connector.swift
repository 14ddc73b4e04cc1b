import NIOCore
import NIOPosix
import NIOSSL
import SMTPProtocol

/// Makes the connections of a benchmark to one server.
struct Connector: Sendable {
  let group: any EventLoopGroup
  let server: SocketAddress
  /// Addresses of this machine that connections come from; empty for whatever the system takes.
  let sources: [SocketAddress]
  let configuration: ClientConfiguration
  let tls: NIOSSLContext?

  /// Sends the load over so many connections at a time, each followed by another one as long as messages are left.
  func send(_ load: Load, connections: Int) async throws {
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      for index in 0..<connections {
        let done = group.next().makePromise(of: Void.self)
        sendSession(load, from: index, on: done.futureResult.eventLoop, done)
        tasks.addTask { try await done.futureResult.get() }
      }
      try await tasks.waitForAll()
    }
  }

  /// One session and, on the same event loop without detours, those behind it.
  private func sendSession(_ load: Load, from index: Int, on loop: any EventLoop, _ done: EventLoopPromise<Void>) {
    guard !load.isOver else { return done.succeed() }
    connect(from: index, on: loop) { .send(load) }.whenComplete { result in
      switch result {
      case .success(let channel):
        channel.closeFuture.whenComplete { _ in sendSession(load, from: index, on: loop, done) }
      case .failure(let error): done.fail(error)
      }
    }
  }

  /// Opens so many sessions, which stay until the process ends, a hundred at a time.
  func hold(_ connections: Int) async throws {
    for start in stride(from: 0, to: connections, by: 100) {
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        for index in start..<min(start + 100, connections) {
          let isReady = group.next().makePromise(of: Void.self)
          connect(from: index, on: isReady.futureResult.eventLoop) { .stay(isReady) }
            .whenFailure { isReady.fail($0) }
          tasks.addTask { try await isReady.futureResult.get() }
        }
        try await tasks.waitForAll()
      }
    }
  }

  private func connect(
    from index: Int, on loop: any EventLoop, for purpose: @escaping @Sendable () -> SessionHandler.Purpose
  ) -> EventLoopFuture<any Channel> {
    var bootstrap = ClientBootstrap(group: loop)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = SessionHandler(purpose(), configuration: configuration, tls: tls)
          try channel.pipeline.syncOperations.addHandler(handler)
        }
      }
    if !sources.isEmpty { bootstrap = bootstrap.bind(to: sources[index % sources.count]) }
    return bootstrap.connect(to: server)
  }
}
