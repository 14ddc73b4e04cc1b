import Foundation
import MailModel
import Synchronization
import Testing

@testable import SMTPTesting

@Suite struct SimulationTests {
  private final class Notes: Sendable {
    private let texts = Mutex<[String]>([])
    var all: [String] { texts.withLock { $0 } }
    func add(_ text: String) { texts.withLock { $0.append(text) } }
  }

  /// Many tasks that sleep, draw and wait for each other.
  private static func run(seed: UInt64) throws -> (trace: [String], fingerprint: UInt64) {
    let simulation = Simulation(seed: seed)
    for name in ["a", "b", "c"] {
      simulation.start(name) {
        await withTaskGroup(of: Void.self) { group in
          for child in 0..<3 {
            group.addTask {
              for _ in 0..<5 {
                let rest = simulation.random { $0.duration(in: .zero ... .milliseconds(20)) }
                try? await simulation.sleep(for: rest)
                simulation.note("\(name)\(child)")
                await Task.yield()
              }
            }
          }
        }
      }
    }
    try simulation.run(until: { simulation.unfinished.isEmpty })
    return (simulation.trace, simulation.fingerprint)
  }

  @Test(arguments: [0, 1, 42, UInt64.max]) func theSameSeedGivesTheSameRun(seed: UInt64) throws {
    let (first, second) = (try Self.run(seed: seed), try Self.run(seed: seed))
    #expect(first.trace.count == 45)
    #expect(first.trace == second.trace)
    #expect(first.fingerprint == second.fingerprint)
    #expect(try Self.run(seed: seed &+ 1).fingerprint != first.fingerprint)
  }

  @Test func runsWithinATask() async throws {
    await Task.yield()
    let simulation = Simulation(seed: 1)
    let day = try simulation.perform {
      let start = simulation.time.now()
      try await simulation.time.sleep(until: start + .seconds(86_400))
      return simulation.time.now() - start
    }
    await Task.yield()
    #expect(day == .seconds(86_400))
  }

  @Test func readyTasksRunInTheSeedsOrder() throws {
    var orders: Set<[String]> = []
    for seed in 0..<64 {
      let (simulation, notes) = (Simulation(seed: UInt64(seed)), Notes())
      for name in ["a", "b", "c"] { simulation.start(name) { notes.add(name) } }
      try simulation.runUntilIdle(atMost: .zero)
      orders.insert(notes.all)
    }
    #expect(orders.count == 6)
  }

  @Test func sleepersWakeInTheOrderOfTheirInstants() throws {
    let (simulation, notes) = (Simulation(seed: 3), Notes())
    for milliseconds in [30, 10, 20] {
      simulation.start("\(milliseconds)") {
        try await simulation.sleep(for: .milliseconds(milliseconds))
        notes.add("\(milliseconds) at \(simulation.elapsed)")
      }
    }
    simulation.schedule(after: .milliseconds(20)) { notes.add("event") }
    try simulation.run(for: .milliseconds(25))
    #expect(notes.all == ["10 at 0.01 seconds", "event", "20 at 0.02 seconds"])
    #expect(simulation.elapsed == .milliseconds(25))
    #expect(simulation.unfinished.map(\.name) == ["30"])
    #expect(try simulation.runUntilIdle(atMost: .seconds(1)))
    #expect(notes.all.last == "30 at 0.03 seconds")
  }

  @Test(arguments: [(-1, false), (0, true), (1, true)]) func runsToTheNanosecond(offset: Int, happens: Bool) throws {
    let (simulation, notes) = (Simulation(seed: 3), Notes())
    simulation.schedule(after: .seconds(5)) { notes.add("event") }
    try simulation.run(for: .seconds(5) + .nanoseconds(offset))
    #expect(notes.all == (happens ? ["event"] : []))
  }

  @Test func aCancelledEventDoesNotHappen() throws {
    let (simulation, notes) = (Simulation(seed: 3), Notes())
    let event = simulation.schedule(after: .seconds(1)) { notes.add("cancelled") }
    simulation.schedule(after: .seconds(2)) { notes.add("kept") }
    event.cancel()
    try simulation.run(for: .seconds(3))
    #expect(notes.all == ["kept"])
  }

  @Test func cancellationEndsASleep() throws {
    let simulation = Simulation(seed: 5)
    let task = simulation.start("sleeper") { try await simulation.sleep(for: .seconds(60)) }
    try simulation.run(for: .seconds(1))
    #expect(!task.isFinished)
    task.cancel()
    try simulation.runUntilIdle(atMost: .zero)
    #expect(task.isFinished)
    #expect(task.error is CancellationError)
    #expect(simulation.elapsed == .seconds(1))
    // Cancelled before it sleeps.
    let early = simulation.start("early") { try await simulation.sleep(for: .seconds(60)) }
    early.cancel()
    try simulation.runUntilIdle(atMost: .zero)
    #expect(early.error is CancellationError)
  }

  @Test func theTraceTellsWhen() throws {
    let simulation = Simulation(seed: 5)
    simulation.note("begin")
    try simulation.run(for: .nanoseconds(12_345_999_999))
    simulation.note("end")
    #expect(simulation.trace == ["t+0.000 begin", "t+12.345 end"])
  }

  @Test(arguments: [0, 1, 3, 4, 5, 9]) func theTraceHasALimit(notes: Int) {
    for limit in [0, 1, 4] {
      let simulation = Simulation(seed: 5, traceLimit: limit)
      for note in 0..<notes { simulation.note("\(note)") }
      #expect(simulation.trace == (0..<notes).suffix(limit).map { "t+0.000 \($0)" })
    }
  }

  /// 64 stay whatever happens, then twice as many as are to come.
  @Test(arguments: [(64, 64), (65, 65), (164, 164), (200, 200), (201, 100)])
  func whatWasCancelledIsForgotten(events: Int, entries: Int) {
    var queue = EventQueue()
    let (kept, happened) = (100, Notes())
    let numbers = (0..<events).map { event in
      queue.add(at: MonotonicInstant(nanoseconds: Int64(events - event))) { happened.add("\(event)") }
    }
    for number in numbers.dropFirst(kept) { queue.cancel(number) }
    #expect(queue.entryCount == entries)
    while let event = queue.take(until: MonotonicInstant(nanoseconds: 1000)) { event() }
    #expect(happened.all == (0..<min(events, kept)).reversed().map { "\($0)" })
  }

  @Test func performThrowsWhatTheTaskThrows() throws {
    struct Failure: Error {}
    #expect(throws: Failure.self) { try Simulation(seed: 1).perform { throw Failure() } }
  }

  @Test func endEndsWhatRuns() throws {
    let (simulation, notes) = (Simulation(seed: 1), Notes())
    simulation.start("server") {
      defer { notes.add("ended") }
      while true { try await simulation.sleep(for: .seconds(1)) }
    }
    simulation.schedule(after: .seconds(5)) { notes.add("late") }
    try simulation.run(for: .milliseconds(2500))
    try simulation.end()
    #expect(notes.all == ["ended"])
    #expect(simulation.unfinished.isEmpty)
  }
}

// MARK: - What does not go on

extension SimulationTests {
  @Test func tellsOfADeadlock() throws {
    let simulation = Simulation(seed: 1)
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    simulation.start("listener") { for await _ in stream {} }
    let error = #expect(throws: SimulationError.self) { try simulation.perform { for await _ in stream {} } }
    #expect(error?.code == .deadlock)
    #expect(error?.message.contains("listener, perform") == true)
    continuation.finish()
  }

  @Test func tellsOfWaitingForTimeOutside() throws {
    let simulation = Simulation(seed: 1)
    let error = #expect(throws: SimulationError.self) {
      try simulation.perform { try await Task.sleep(for: .seconds(600)) }
    }
    #expect(error?.code == .deadlock)
    for task in simulation.unfinished { task.cancel() }
  }

  @Test func tellsOfBeingWokenFromOutside() throws {
    let simulation = Simulation(seed: 1)
    // Busy, so that the loop runs on until the task outside has come back.
    simulation.start("busy") { while !Task.isCancelled { try await simulation.sleep(for: .milliseconds(1)) } }
    let error = #expect(throws: SimulationError.self) {
      try simulation.perform {
        // One that is back before it is waited for wakes nobody.
        for _ in 0..<1_000 where !Task.isCancelled { await Task.detached { await Task.yield() }.value }
      }
    }
    #expect(error?.code == .escape)
    #expect(error?.message.contains("busy, perform") == true)
    // By then it may wait for another task outside, which comes back in its own time.
    let patience = ContinuousClock.now + .seconds(60)
    while (try? simulation.end()) == nil, ContinuousClock.now < patience { Thread.sleep(forTimeInterval: 0.01) }
    #expect(simulation.unfinished.isEmpty)
  }

  /// What comes from outside while nothing runs is found at the next run.
  @Test func tellsOfBeingWokenBetweenRuns() async throws {
    let simulation = Simulation(seed: 1)
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    simulation.start("listener") { for await _ in stream {} }
    try simulation.run(for: .seconds(1))
    // While that thread is there yet, since one that comes after it may look the same.
    let done = DispatchSemaphore(value: 0)
    defer { done.signal() }
    try await Self.onThread(thatStaysUntil: done) { continuation.finish() }
    let error = #expect(throws: SimulationError.self) { try simulation.run(for: .seconds(1)) }
    #expect(error?.code == .escape)
    try simulation.end()
    #expect(simulation.unfinished.isEmpty)
  }

  /// A test's own thread may be another one in each of its parts.
  @Test func mayBeGoneOnWithOnAnotherThread() async throws {
    let simulation = Simulation(seed: 1)
    try await Self.onThread {
      try simulation.run(for: .seconds(1))
      // While the first is there yet, since one that comes after it may look the same.
      let done = DispatchSemaphore(value: 0)
      Thread.detachNewThread {
        simulation.start("sleeper") { try await simulation.sleep(for: .seconds(1)) }
        #expect(throws: Never.self) { try simulation.run(for: .seconds(2)) }
        done.signal()
      }
      done.wait()
    }
    #expect(simulation.unfinished.isEmpty)
  }

  private static func onThread(
    thatStaysUntil done: DispatchSemaphore? = nil, _ work: @escaping @Sendable () throws -> Void
  ) async throws {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Result { try work() })
        done?.wait()
      }
    }
  }

  @Test func tellsOfWhatComesTooLate() throws {
    let simulation = Simulation(seed: 1)
    simulation.start("busy") { while true { try await simulation.sleep(for: .seconds(1)) } }
    let error = #expect(throws: SimulationError.self) { try simulation.run(until: { false }, atMost: .seconds(60)) }
    #expect(error?.code == .tooLate)
    #expect(error?.message.contains("a plain Task") == true)
    #expect(throws: SimulationError.self) {
      try simulation.perform(atMost: .seconds(60)) { try await Task.sleep(for: .seconds(600)) }
    }
    try simulation.end()
  }

  @Test(arguments: [(999, false), (1000, false), (1001, true)]) func tellsOfTimeThatStandsStill(
    steps: Int, isTooMuch: Bool
  ) throws {
    let simulation = Simulation(seed: 1, stepsAtOnce: 1000)
    @Sendable func again(_ left: Int) {
      if left > 0 { simulation.schedule(after: .zero) { again(left - 1) } }
    }
    again(steps)
    if isTooMuch {
      let error = #expect(throws: SimulationError.self) { try simulation.run(for: .zero) }
      #expect(error?.code == .livelock)
    } else {
      try simulation.run(for: .zero)
    }
    #expect(simulation.elapsed == .zero)
  }

  @Test func doesNotRunWithinItself() throws {
    let simulation = Simulation(seed: 1)
    let error = #expect(throws: SimulationError.self) {
      try simulation.perform { try simulation.run(for: .seconds(1)) }
    }
    #expect(error?.code == .nested)
  }
}
