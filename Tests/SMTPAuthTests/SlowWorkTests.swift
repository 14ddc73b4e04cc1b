import Dispatch
import Foundation
import Synchronization
import Testing

@testable import SMTPAuth

@Suite(.timeLimit(.minutes(10))) struct SlowWorkTests {
  /// Holds whoever computes until it is opened, and knows how many it holds.
  private final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    private let state = Mutex((entered: 0, most: 0, inside: 0))

    func pass() {
      state.withLock { state in
        state.entered += 1
        state.inside += 1
        state.most = max(state.most, state.inside)
      }
      semaphore.wait()
      state.withLock { $0.inside -= 1 }
    }

    func open(times: Int) { for _ in 0..<times { semaphore.signal() } }
    var entered: Int { state.withLock { $0.entered } }
    var most: Int { state.withLock { $0.most } }
  }

  private final class Flag: Sendable {
    private let raised = Atomic(0)
    func raise() { raised.add(1, ordering: .sequentiallyConsistent) }
    var count: Int { raised.load(ordering: .sequentiallyConsistent) }
    var isRaised: Bool { count > 0 }
  }

  private func until(_ condition: () -> Bool) async { while !condition() { await Task.yield() } }

  @Test func boundsWhatRunsAndWhatWaits() async throws {
    let (work, gate) = (SlowWork(threads: 2, waiting: 3), Gate())
    let accepted = (0..<5).map { number in
      Task {
        await work.perform {
          gate.pass()
          return .success([UInt8(number)])
        }
      }
    }
    await until { gate.entered == 2 && work.waitingCount == 3 }
    let refused = await work.perform { .success([]) }
    #expect(refused.code == .overloaded)
    gate.open(times: 5)
    for (number, task) in accepted.enumerated() { #expect(try await task.value.get() == [UInt8(number)]) }
    #expect(gate.entered == 5)
    #expect(gate.most == 2)
    let next = await work.perform { .success([9]) }
    #expect(try next.get() == [9])
  }

  @Test func takesOneMoreWhenOneIsDone() async throws {
    let (work, gate) = (SlowWork(threads: 1, waiting: 1), Gate())
    let hold: @Sendable () -> SlowWork.Outcome = {
      gate.pass()
      return .success([])
    }
    let first = Task { await work.perform(hold) }
    await until { gate.entered == 1 }
    let second = Task { await work.perform(hold) }
    await until { work.waitingCount == 1 }
    #expect(await work.perform(hold).code == .overloaded)
    gate.open(times: 1)
    _ = await first.value
    await until { gate.entered == 2 }
    let third = Task { await work.perform(hold) }
    await until { work.waitingCount == 1 }
    gate.open(times: 2)
    #expect(await second.value.code == nil)
    #expect(await third.value.code == nil)
  }

  @Test func givesUpThePlaceOfOneWhoLeft() async throws {
    let (work, gate) = (SlowWork(threads: 1, waiting: 1), Gate())
    let running = Task {
      await work.perform {
        gate.pass()
        return .success([1])
      }
    }
    await until { gate.entered == 1 }
    let leaver = Task { await work.perform { .success([2]) } }
    await until { work.waitingCount == 1 }
    leaver.cancel()
    #expect(await leaver.value.code == .cancelled)
    #expect(work.waitingCount == 0)
    // What runs is not torn.
    running.cancel()
    gate.open(times: 1)
    #expect(try await running.value.get() == [1])
  }

  @Test func beginsNothingForOneWhoLeftBefore() async throws {
    let work = SlowWork(threads: 1, waiting: 1)
    let ran = Mutex(false)
    let task = Task {
      withUnsafeCurrentTask { unsafe $0?.cancel() }
      return await work.perform {
        ran.withLock { $0 = true }
        return .success([])
      }
    }
    #expect(await task.value.code == .cancelled)
    #expect(ran.withLock { $0 } == false)
  }

  /// Computations that fill every processor: tasks must go on all the same. Where they do not, none of these ends.
  @Test func leavesTheThreadsOfTasksAlone() async throws {
    let count = ProcessInfo.processInfo.activeProcessorCount + 2
    let work = SlowWork(threads: count, waiting: 0)
    let isSeen = Flag()
    let running = Flag()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<count {
        group.addTask {
          _ = await work.perform {
            running.raise()
            while !isSeen.isRaised { continue }
            return .success([])
          }
        }
      }
      group.addTask {
        while running.count < count { await Task.yield() }
        await Task { isSeen.raise() }.value
      }
    }
    #expect(running.count == count)
  }

  @Test func hasAThreadInAnyCase() async throws {
    let outcome = await SlowWork(threads: 0, waiting: 0).perform { .success([1]) }
    #expect(try outcome.get() == [1])
  }
}

extension SlowWork.Outcome {
  fileprivate var code: AuthenticationError.Code? {
    if case .failure(let error) = self { error.code } else { nil }
  }
}
