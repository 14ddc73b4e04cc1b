// A customer's mail is accepted, the remote greylists, the process dies, the mail arrives: all of it in memory, in virtual time,
// with no socket, no disk and no waiting. What a host's own tests look like is in GreylistingAndACrash.swift.

import SMTPTesting

@main struct InMemoryTesting {
  /// `in-memory-testing [--seed NUMBER]`: everything that is left to chance follows from the seed.
  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    var seed: UInt64? = 1
    if !arguments.isEmpty { seed = arguments.count == 2 && arguments[0] == "--seed" ? UInt64(arguments[1]) : nil }
    guard let seed else { return print("usage: in-memory-testing [--seed NUMBER]") }
    let simulation = Simulation(seed: seed)
    try greylistingAndACrash(simulation)
    for line in simulation.trace { print(line) }
    print("fingerprint \(String(simulation.fingerprint, radix: 16))")
  }
}
