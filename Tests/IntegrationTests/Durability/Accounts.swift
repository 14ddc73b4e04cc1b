import Foundation
import PeerTesting
import Testing

/// What was promised, what arrived, and what the server says of it, to be compared once its queue is empty.
struct Accounts {
  var acknowledged: [Acknowledgement]
  /// In the order in which they came.
  var arrivals: [Arrival]
  var statuses: [DemoServer.Status]
  /// Deliveries at once in each life of the server.
  var workers: Int

  /// Messages of a server that may be delivered, and not yet recorded as such, when it is killed: those that its workers
  /// attempt, and the outcomes that wait to be recorded together.
  var mostOnTheirWay: Int { workers + min(160, 8 * workers) }

  /// For each life of the server, those of its arrivals that arrived again in a later one, counted from its last arrival.
  private var repeated: [Int: [Int]] {
    let last = Dictionary(arrivals.map { ($0.queueID, $0.life) }, uniquingKeysWith: max)
    return Dictionary(grouping: arrivals, by: \.life).compactMapValues { ofLife in
      let again = ofLife.reversed().enumerated().filter { last[$1.queueID] != $1.life }
      return again.isEmpty ? nil : again.map(\.offset)
    }
  }

  /// What arrived again though it was not on its way when its server was killed, or later than it had to; by name.
  var needlessRepeats: [String] {
    let ofLife = Dictionary(grouping: arrivals, by: \.life)
    var found: [String] = []
    for (life, again) in repeated.sorted(by: { $0.key < $1.key }) {
      if again.count > mostOnTheirWay { found.append("\(again.count) of life \(life)") }
      // What is recorded is recorded in turn: an early arrival is not on its way any more. Twice as many, since the server may
      // hear of one arrival long after it heard of others.
      if let first = again.last, first >= 2 * mostOnTheirWay {
        found.append("one of life \(life) that \(first) others followed")
      }
    }
    for copies in Dictionary(grouping: arrivals, by: \.queueID).values {
      let lives = copies.map(\.life).sorted()
      for (life, next) in zip(lives, lives.dropFirst()) {
        // The next life attempts it first of all, with what else was on its way, unless it is killed before.
        for between in life..<next where between > life && ofLife[between, default: []].count > 2 * mostOnTheirWay {
          found.append("\(copies[0].mark) of life \(life) in life \(next), and not in life \(between)")
        }
      }
    }
    return found
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
    #expect(needlessRepeats.isEmpty, "repeated needlessly", sourceLocation: sourceLocation)

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
      \(repeated.values.reduce(0) { $0 + $1.count }) repeated, at most \(repeated.values.map(\.count).max() ?? 0) of a life, \(kept.count - acknowledged.count + lost) unacknowledged
      """
  }
}

extension Accounts {
  /// - Parameter data: the data folder, whose server may be running.
  init(journal: Journal, sink: CountingSink, data: String, workers: Int) async throws {
    self.init(
      acknowledged: try journal.acknowledgements(), arrivals: try sink.arrivals(),
      statuses: try await queue(of: data, all: true), workers: workers)
  }
}

/// What `queue --json` lists; what is through as well, if `all` is asked for.
func queue(of data: String, all: Bool = false) async throws -> [DemoServer.Status] {
  let arguments = ["queue", "--data", data, "--json"] + (all ? ["--all"] : [])
  let list = try await run(try DemoServer.executable(), arguments)
  try #require(list.status == 0, "\(list.output)")
  return try JSONDecoder().decode([DemoServer.Status].self, from: Data(list.output.utf8))
}
