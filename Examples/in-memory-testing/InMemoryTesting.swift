// A customer's mail is accepted, the remote greylists, the process dies, the mail arrives: all of it in memory, in virtual time,
// with no socket, no disk and no waiting. What a host's own tests look like.

import DeliveryQueue
import MailModel
import SMTPTesting

@main struct InMemoryTesting {
  /// `in-memory-testing [--seed NUMBER]`: everything that is left to chance follows from the seed.
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard arguments.isEmpty || (arguments.count == 2 && arguments.first == "--seed") else {
      throw Unexpected(what: "arguments; there is only --seed NUMBER")
    }
    let seed = try arguments.last.map { try unwrap(UInt64($0), "seed") } ?? 1
    let domain = try unwrap(DomainName("example.com"))
    let hello = Array("Subject: Hello\r\n\r\nHello\r\n".utf8)
    let envelope = Envelope(
      reversePath: try unwrap(ReversePath("mailer@example.com")),
      recipients: [try unwrap(ForwardPath("friend@example.org"))])

    // A network with a platform, a customer of it, and a next host.
    let simulation = Simulation(seed: seed)
    let network = SimulatedNetwork(simulation)
    let platform = try SimulatedPlatform(.init(name: try unwrap(DomainName("mail.example.net"))), in: network)
    let remote = RemoteHost(try unwrap(DomainName("example.org")), in: network)
    let customer = try simulation.perform { try await platform.addCustomer(domain) }
    platform.start()

    // Accepted, over STARTTLS and AUTH; the remote says "later".
    remote.mood = .greylisting(for: .seconds(300))
    let answer = try simulation.perform { await customer.send(envelope, content: hello) }
    guard let id = answer.queueID else { throw Unexpected(what: "\(answer)") }
    try simulation.run(for: .seconds(30))
    guard remote.messages.isEmpty else { throw Unexpected(what: "\(remote.messages)") }

    // The process dies, and another one opens the queue.
    platform.crash()
    try simulation.run(for: .seconds(10))
    platform.start()

    // Minutes later, which take no time, the mail has arrived, and the queue knows.
    try simulation.run(until: { !remote.messages.isEmpty })
    try simulation.run(for: .seconds(1))
    let status = try simulation.perform { try await platform.store.status(of: id) }
    guard status?.recipients.first?.state == .delivered else { throw Unexpected(what: "\(String(describing: status))") }

    try simulation.end()
    for line in simulation.trace { print(line) }
    print("fingerprint \(String(simulation.fingerprint, radix: 16))")
  }
}

struct Unexpected: Error {
  var what: String
}

func unwrap<Value>(_ value: Value?, _ what: String = "\(Value.self)") throws -> Value {
  guard let value else { throw Unexpected(what: "no \(what)") }
  return value
}
