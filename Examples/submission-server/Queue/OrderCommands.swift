import ArgumentParser
import DeliveryQueue

extension Queue {
  /// No attempt until a release.
  struct Hold: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Let nothing be attempted until it is released.")

    @OptionGroup var order: OrderOptions
    @Option(help: "Why; kept with each recipient.", transform: Parse.reason)
    var reason: String

    func run() async throws { try await order.give(.hold, because: reason) }
  }

  /// The end of a hold.
  struct Release: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Let what is held be attempted, at once.")

    @OptionGroup var order: OrderOptions
    @Option(help: "Why; kept with each recipient.")
    var reason = ""

    func run() async throws { try await order.give(.release, because: reason) }
  }

  /// No waiting.
  struct Retry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let what waits be attempted at once, but for what is held.")

    @OptionGroup var order: OrderOptions
    @Option(help: "Why; kept with each recipient.")
    var reason = ""

    func run() async throws { try await order.give(.retry, because: reason) }
  }

  /// The end, told.
  struct Bounce: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Give recipients up, with the reason as the reply.")

    @OptionGroup var order: OrderOptions
    @Option(help: "Why; kept with each recipient, as its reply too.", transform: Parse.reason)
    var reason: String

    func run() async throws { try await order.give(.bounce, because: reason) }
  }

  /// The end, untold.
  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Take recipients out of the queue; nobody is told.")

    @OptionGroup var order: OrderOptions
    @Option(help: "Why; kept with each recipient.", transform: Parse.reason)
    var reason: String

    func run() async throws { try await order.give(.remove, because: reason) }
  }
}
