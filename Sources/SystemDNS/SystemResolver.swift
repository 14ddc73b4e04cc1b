public import MailDNS

/// Asks the DNS through libresolv, the resolver of the system's C library: over UDP with EDNS (RFC 6891) and a datagram size of
/// 1,232 octets, over TCP where an answer does not fit, by `/etc/resolv.conf` or name servers of one's own.
///
/// libresolv blocks, so each question runs on one of a bounded number of threads that belong to this resolver alone. They start
/// when they are needed. Neither tasks nor event loops wait.
///
/// **What it believes.** libresolv takes an answer only from the address and port that it asked, with the ID of the query and
/// the very question, each in a socket of its own, whose port the system picks at random; what does not fit is ignored, and the
/// waiting goes on. IDs are made here, by the system's random numbers, since libresolv's come from the clock. The question is
/// compared again here, and so is that of an answer over TCP; an answer that is found to speak of other names than the one asked
/// for and its aliases is malformed. There is no DNSSEC of its own: see ``Configuration/trust``.
///
/// **What it answers.** `SERVFAIL`, `REFUSED` and `NOTIMP` make it ask the next name server, and are a temporary failure at the
/// end, like silence; another error, an extended one too (RFC 6891 §6.1.3), is a temporary failure at once. Each record must be as
/// its type wants it, to the octet, or the whole answer is malformed; one that comes twice is given once (RFC 2181 §5); an AAAA
/// record with a mapped IPv4 address stays an `IPAddress.v6`. Aliases may come in any order. Where a name server follows them only
/// part of the way, the rest is asked for. An answer that there is nothing may be kept as RFC 2308 §5 has it: as long as the lesser of
/// the SOA's TTL and its MINIMUM, not at all without an SOA. Nothing is kept here: put a ``MailDNS/CachingResolver`` in front.
///
/// **How long it takes.** Without cancelling, a question that a thread has taken up ends at the latest after
/// `2 × (tries + 1) × name servers × timeout`: by default 12 s for each name server, 36 s for three. Where all are silent it ends
/// after `tries × name servers × timeout`: by default 4 s for each. Cancelling returns at once. What waits in line is then not
/// asked at all; what a thread asks already, it asks to the end of this exchange, for whoever asks the same question meanwhile;
/// otherwise the answer is dropped. A fresh question that comes upon such an exchange waits for its end, and is asked then.
///
/// **What dead names hold.** A name for which the name servers are silent holds one thread for those 4 s each, however often it is
/// asked for and given up meanwhile. As many such names at once as there are threads, 32 by default, let all others wait as long.
///
/// Supported is glibc 2.31 or later. With other C libraries every question fails.
public final class SystemResolver: AnewResolver {
  /// What it was made with.
  public let configuration: Configuration
  private let libResolv: LibResolv
  private let threads: ResolverThreads

  /// A resolver that has no thread yet.
  public init(_ configuration: Configuration = Configuration()) {
    self.configuration = configuration
    libResolv = LibResolv(configuration)
    threads = ResolverThreads(count: configuration.threads, waiting: configuration.waitingQuestions)
  }

  /// ``MailDNS/DNSResolver``. Where too many questions wait, a temporary failure that says so.
  public func resolve(_ question: DNSQuestion) async -> DNSAnswer { await resolve(question, anew: false) }

  package func resolveAnew(_ question: DNSQuestion) async -> DNSAnswer { await resolve(question, anew: true) }

  private func resolve(_ question: DNSQuestion, anew: Bool) async -> DNSAnswer {
    let lookup = SystemLookup(question: question, libResolv: libResolv, configuration: configuration)
    return await threads.perform(question, wantsAnew: anew) { lookup.run(while: $0) }
  }

  /// Ends all that is under way, with a temporary failure that says so; whatever is asked later ends the same way. The threads
  /// end when what libresolv does on them has come to its own end. Returns at once; a second call changes nothing.
  ///
  /// A resolver that is no longer used needs no shutdown: a thread without work ends by itself.
  public func shutdown() { threads.shutdown() }

  /// How many questions wait for a thread.
  package var waitingCount: Int { threads.waitingCount }
  /// How many threads are at work.
  package var busyCount: Int { threads.busyCount }
  /// How many of them ask what nobody waits for any more.
  package var abandonedCount: Int { threads.abandonedCount }
}
