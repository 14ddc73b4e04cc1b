import Foundation
import Testing

/// What was promised, what arrived, and what the server says of it, to be compared once its queue is empty.
struct Accounts {
  /// Messages of a server that may be delivered, and not yet recorded as such, when it is killed: those that its 20 workers
  /// attempt, and eight outcomes for each of them that wait to be recorded together.
  static let mostOnTheirWay = 20 * 9

  var acknowledged: [Acknowledgement]
  var arrivals: [Arrival]
  var statuses: [DemoServer.Status]

  /// - Parameter data: the data folder, whose server may be running.
  init(journal: Journal, sink: CountingSink, data: String) async throws {
    acknowledged = try journal.acknowledgements()
    arrivals = try sink.arrivals()
    statuses = try await queue(of: data, all: true)
  }

  /// Messages that arrived again, by the life of the server that delivered them the time before.
  private var repeated: [Int: Int] {
    var counts: [Int: Int] = [:]
    for copies in Dictionary(grouping: arrivals, by: \.queueID).values {
      for life in copies.map(\.life).sorted().dropLast() { counts[life, default: 0] += 1 }
    }
    return counts
  }

  /// Every message that was acknowledged arrived, whole and for all its recipients; what was kept without a word arrived
  /// too; nothing arrived again but what was on its way when its server was killed; and every recipient has one final
  /// state.
  func expectEveryPromiseKept(sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(!acknowledged.isEmpty, sourceLocation: sourceLocation)
    #expect(Set(acknowledged.map(\.queueID)).count == acknowledged.count, sourceLocation: sourceLocation)

    let torn = arrivals.filter { !$0.isWhole }.map(\.mark)
    #expect(torn.isEmpty, "not whole", sourceLocation: sourceLocation)
    let arrived = Dictionary(grouping: arrivals, by: \.queueID)
    let lost = acknowledged.filter { message in
      !(arrived[message.queueID] ?? []).contains { $0.mark == message.mark && $0.recipients == message.recipients }
    }
    #expect(lost.map(\.mark).isEmpty, "acknowledged and lost", sourceLocation: sourceLocation)

    let sameLife = arrived.values.filter { Set($0.map(\.life)).count < $0.count }.map { $0[0].mark }
    #expect(sameLife.isEmpty, "repeated without a kill", sourceLocation: sourceLocation)
    let tooMany = repeated.filter { $0.value > Self.mostOnTheirWay }
    #expect(tooMany.isEmpty, "more repeated than were on their way", sourceLocation: sourceLocation)

    #expect(Set(statuses.map(\.queueID)).count == statuses.count, sourceLocation: sourceLocation)
    #expect(
      Set(statuses.map(\.queueID)) == Set(arrived.keys), "what is kept is what arrived", sourceLocation: sourceLocation)
    let undecided = statuses.filter { message in
      message.recipients.count != arrived[message.queueID]?.first?.recipients
        || Set(message.recipients.map(\.address)).count != message.recipients.count
        || message.recipients.contains { $0.state != "delivered" }
    }
    #expect(undecided.map(\.queueID).isEmpty, "not in one final state", sourceLocation: sourceLocation)
  }

  /// The figures, in a line.
  var summary: String {
    let kept = Set(arrivals.map(\.queueID))
    let lost = acknowledged.filter { !kept.contains($0.queueID) }.count
    return """
      \(acknowledged.count) acknowledged, \(lost) lost; \(kept.count) messages arrived \(arrivals.count) times, \
      \(repeated.values.reduce(0, +)) repeated, \(kept.count - acknowledged.count + lost) unacknowledged
      """
  }
}

/// What `queue --json` lists; what is through as well, if `all` is asked for.
func queue(of data: String, all: Bool = false) async throws -> [DemoServer.Status] {
  let arguments = ["queue", "--data", data, "--json"] + (all ? ["--all"] : [])
  let list = try await run(try DemoServer.executable(), arguments)
  try #require(list.status == 0, "\(list.output)")
  return try JSONDecoder().decode([DemoServer.Status].self, from: Data(list.output.utf8))
}
