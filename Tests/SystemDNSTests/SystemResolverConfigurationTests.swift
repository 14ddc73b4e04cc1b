import MailModel
import Testing

@testable import SystemDNS

@Suite("The configuration of a resolver") struct SystemResolverConfigurationTests {
  @Test("How long a question holds a thread by default") func boundsByDefault() {
    let configuration = SystemResolver.Configuration()
    #expect(configuration.timeoutSeconds * configuration.tries == 4)
    #expect(configuration.longestExchange == .seconds(18))
    #expect(configuration.threads == 32)
  }

  @Test("What is out of bounds is brought within") func bounds() {
    let four = (1...4).map { SystemResolver.NameServer(.v4($0)) }
    var low = SystemResolver.Configuration(
      nameServers: four, tries: 0, threads: 0, waitingQuestions: -1, largestAnswer: 511, aliasLimit: -1)
    #expect(low.nameServers == Array(four.prefix(3)))
    #expect([low.tries, low.threads, low.waitingQuestions, low.largestAnswer, low.aliasLimit] == [1, 1, 0, 512, 0])
    low.nameServers = Array(four.reversed())
    (low.tries, low.threads, low.waitingQuestions, low.largestAnswer, low.aliasLimit) = (6, 201, 65_537, 65_536, 33)
    #expect(low.nameServers == Array(four.reversed().prefix(3)))
    #expect(
      [low.tries, low.threads, low.waitingQuestions, low.largestAnswer, low.aliasLimit] == [5, 200, 65_536, 65_535, 32])
  }

  @Test(
    "A try lasts whole seconds, rounded up, 1 to 30",
    arguments: [
      (.seconds(Int64.min), 1), (.milliseconds(-1), 1), (.zero, 1), (.milliseconds(999), 1), (.seconds(1), 1),
      (.milliseconds(1_001), 2), (.milliseconds(29_001), 30), (.seconds(30), 30), (.milliseconds(30_001), 30),
      (.seconds(31), 30), (.seconds(Int64.max), 30),
    ] as [(Duration, Int)])
  func timeout(_ timeout: Duration, _ seconds: Int) {
    let one = [SystemResolver.NameServer(.v4(1))]
    let configuration = SystemResolver.Configuration(nameServers: one, timeout: timeout, tries: 2)
    #expect(configuration.timeoutSeconds == seconds)
    #expect(configuration.longestExchange == .seconds(3 * seconds))
    // Of resolv.conf as many as there may be.
    #expect(SystemResolver.Configuration(timeout: timeout, tries: 2).longestExchange == .seconds(9 * seconds))
  }

  @Test(
    "Name servers in text",
    arguments: [
      ("192.0.2.1", "192.0.2.1:53"), ("192.0.2.1:5353", "192.0.2.1:5353"), ("2001:db8::1", "[2001:db8::1]:53"),
      ("[2001:db8::1]:5353", "[2001:db8::1]:5353"), ("::1", "[::1]:53"), ("127.0.0.1:65535", "127.0.0.1:65535"),
      ("127.0.0.1:65536", nil), ("127.0.0.1:0", nil), ("127.0.0.1:", nil), ("127.0.0.1:+1", nil), (":53", nil),
      ("[::1]", nil), ("[127.0.0.1]:53", nil), ("::1]:53", nil), ("[::1:53", nil), ("localhost:53", nil), ("", nil),
    ])
  func text(_ text: String, _ description: String?) {
    #expect(SystemResolver.NameServer(text)?.description == description)
  }
}
