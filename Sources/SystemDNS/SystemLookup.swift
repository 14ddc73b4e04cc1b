import MailDNS

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// One question, and those for the ends of its aliases. Blocks.
struct SystemLookup: Sendable {
  let question: DNSQuestion
  let libResolv: LibResolv
  let configuration: SystemResolver.Configuration

  /// The answer; as soon as nobody waits for it any more, no further message is sent.
  func run(while isWanted: () -> Bool) -> DNSAnswer {
    let end = ContinuousClock.now + configuration.longestExchange
    var chain = AliasChain(limit: configuration.aliasLimit)
    var withEDNS = true
    // Each turn but the last makes the chain longer, or gives up EDNS.
    while true {
      switch libResolv.ask(chain.names.last ?? question.name, question.type, withEDNS: withEDNS) {
      case .octets(let octets, let isTrusted):
        switch DNSReply(octets, to: question, behind: chain, isTrusted: isTrusted) {
        case .answer(let answer): return answer
        case .alias(let longer): chain = longer
        }
      case .nothing(responseCode: DNSReply.formatError?, _) where withEDNS:
        // So an old server says that it does not know EDNS (RFC 6891 §7).
        withEDNS = false
      case .nothing(let responseCode, let error):
        return failure(responseCode.map(Self.refusal) ?? Self.reason(for: error), chain)
      }
      guard isWanted(), ContinuousClock.now < end else { return failure("finding the answer took too long", chain) }
    }
  }

  /// Whoever asked knows the question, but not to which name its aliases have led.
  private func failure(_ reason: String, _ chain: AliasChain) -> DNSAnswer {
    let name = chain.names.last.map { ", asked for \($0)" } ?? ""
    return DNSAnswer(.temporaryFailure(reason + name), aliases: chain.names)
  }

  /// RCODE 0 was an answer that libresolv did not take.
  private static func refusal(_ responseCode: UInt16) -> String {
    responseCode == 0 ? "no name server gave an answer that fits" : DNSReply.refusal(responseCode)
  }

  private static func reason(for error: Int32) -> String {
    switch error {
    case ETIMEDOUT: "no name server answered in time"
    case ECONNREFUSED, ENETUNREACH, EHOSTUNREACH: "no name server could be reached"
    case ECONNRESET: "the name server broke off the connection"
    case ENOSYS: "the C library of this system has no resolver that can be used"
    case EMFILE, ENFILE: "there are too many open files"
    default: "the name servers could not be asked (errno \(error))"
    }
  }
}
