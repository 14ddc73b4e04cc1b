/// The lines of a trace: so many of them, the last.
struct SimulationNotes: Sendable {
  private let limit: Int
  private var notes: [(elapsed: Duration, text: String)] = []
  /// Where the earliest is, once there are as many as there may be.
  private var start = 0

  init(limit: Int) { self.limit = max(0, limit) }

  mutating func add(_ text: String, at elapsed: Duration) {
    if notes.count < limit {
      notes.append((elapsed, text))
    } else if limit > 0 {
      notes[start] = (elapsed, text)
      start = (start + 1) % limit
    }
  }

  var lines: [String] {
    (notes[start...] + notes[..<start]).map { note in
      let milliseconds = note.elapsed.wholeNanoseconds / 1_000_000
      return "t+\(milliseconds / 1000).\(String(1000 + milliseconds % 1000).dropFirst()) \(note.text)"
    }
  }
}
