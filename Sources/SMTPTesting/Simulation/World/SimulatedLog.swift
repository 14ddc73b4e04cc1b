import Logging

/// Writes a simulated process's log into the trace, as long as the process lives.
struct SimulatedLog: LogHandler {
  let simulation: Simulation
  let isAlive: @Sendable () -> Bool
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.info

  init(simulation: Simulation, isAlive: @escaping @Sendable () -> Bool) {
    (self.simulation, self.isAlive) = (simulation, isAlive)
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    guard isAlive() else { return }
    let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
    let details = all.keys.sorted().map { key in all[key].map { "\(key)=\($0)" } ?? key }
    simulation.note(([event.level.rawValue + ":", "\(event.message)"] + details).joined(separator: " "))
  }
}
