import DeliveryQueue
import SMTPTesting

/// A customer's mail is accepted, the remote greylists, the process dies, the mail arrives.
func greylistingAndACrash(_ simulation: Simulation) throws {
  // A network with a platform, a customer of it, and a next host.
  let network = SimulatedNetwork(simulation)
  let platform = try SimulatedPlatform("mail.example.net", in: network)
  let customer = try platform.addCustomer("example.com")
  let remote = try RemoteHost("example.org", in: network)
  platform.start()

  // Accepted, over STARTTLS and AUTH; the remote says "later".
  remote.mood = .greylisting(for: .seconds(300))
  let answer = try simulation.perform { try await customer.send(to: "friend@example.org", subject: "Hello") }
  guard let id = answer.queueID else { preconditionFailure("not accepted: \(answer)") }
  try simulation.run(for: .seconds(30))
  precondition(remote.messages.isEmpty)

  // The process dies, and another one opens the queue.
  platform.crash()
  try simulation.run(for: .seconds(10))
  platform.start()

  // Minutes later, which take no time, the mail has arrived, and the queue knows.
  try simulation.run(until: { !remote.messages.isEmpty })
  try simulation.run(for: .seconds(1))
  let status = try platform.status(of: id)
  precondition(status?.recipients.first?.state == .delivered)

  // Whatever is under way is let go.
  try simulation.end()
}
