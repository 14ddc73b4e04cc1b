import ArgumentParser
import DomainVerification
import LibCrypto
import MailDNS
import MailModel

/// Measures what proves whose mail it is: signatures, digests of bodies, and evaluations out of a cache. One thread, no network.
@main struct BenchVerification: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench-verification",
    abstract:
      "Signs and verifies a message, hashes bodies, evaluates SPF and DMARC from cache, and prints what each costs.")

  @Option(help: "Seconds for each case.") var seconds = 2.0
  @Option(help: "Octets of the message that is signed.") var size = 4096
  @Option(name: .customLong("case"), help: "One case alone.") var name: String?

  func validate() throws {
    guard seconds > 0, (1...(64 << 20)).contains(size) else {
      throw ValidationError("--seconds is above 0, and --size 1 to 67108864.")
    }
  }

  func run() async throws {
    print("| case | µs each | a second | MB/s |\n|---|---|---|---|")
    try await measureSignatures()
    try await measureBodies()
    try await measureEvaluations()
  }

  /// Runs one case for its time, and prints its row.
  private func measure(_ name: String, octets: Int = 0, _ body: () async throws -> Void) async throws {
    guard self.name == nil || self.name == name else { return }
    try await body()  // what is made once is made now
    let clock = ContinuousClock()
    let start = clock.now
    let end = start + .seconds(seconds)
    var rounds = 0
    while clock.now < end {
      for _ in 0..<batch(octets) { try await body() }
      rounds += batch(octets)
    }
    let each = start.duration(to: clock.now) / .microseconds(1) / Double(rounds)
    let megabytes = octets > 0 ? rounded(Double(octets) / each, 10) : ""
    print("| \(name) | \(rounded(each, 100)) | \(Int(1_000_000 / each)) | \(megabytes) |")
  }

  /// Rounds between two looks at the clock.
  private func batch(_ octets: Int) -> Int { octets > 100_000 ? 1 : 20 }

  private func rounded(_ value: Double, _ places: Double) -> String { "\((value * places).rounded() / places)" }
}

// MARK: The cases

extension BenchVerification {
  private func measureSignatures() async throws {
    let mail = try Mail(size: size)
    let digest = try SHA256.digest(of: mail.body.span)
    try await measure("rsa-2048, bare") { _ = try mail.rsa.sign(digest: digest.span) }
    try await measure("ed25519, bare") { _ = try mail.ed25519.sign(digest: digest.span) }
    try await measure("both, bare") {
      _ = try mail.rsa.sign(digest: digest.span)
      _ = try mail.ed25519.sign(digest: digest.span)
    }
    try await measure("sign a message with both", octets: size) { _ = try await mail.signed() }
    let header = HeaderSection(try await mail.signed() + mail.header.octets)
    let verifier = DKIMVerifier(resolver: try mail.zone())
    let evaluation = await verifier.verify(header, body: mail.body, at: mail.now)
    guard evaluation.signatures.map(\.result) == [.pass, .pass] else { throw Unexpected("\(evaluation.report)") }
    try await measure("verify both", octets: size) { _ = await verifier.verify(header, body: mail.body, at: mail.now) }
  }

  private func measureBodies() async throws {
    for kind in Body.allCases {
      let body = kind.octets(8 << 20)
      try await measure("SHA-256, \(kind)", octets: body.count) { _ = try SHA256.digest(of: body.span) }
      for form in [DKIMCanonicalization.Algorithm.simple, .relaxed] {
        try await measure("\(form.rawValue) body, \(kind)", octets: body.count) {
          var hash = try DKIMBodyHash(form)
          var start = 0
          while start < body.count {
            let end = min(start + 65_536, body.count)
            hash.update(body.span.extracting(start..<end))
            start = end
          }
          _ = try hash.finish()
        }
      }
    }
  }

  private func measureEvaluations() async throws {
    let resolver = CachingResolver(try Table.example())
    let spf = SPFEvaluator(resolver: resolver)
    guard let address = IPAddress("203.0.113.9"), let sender = ReversePath("user@example.com"),
      let from = DomainName("example.com")
    else { throw Unexpected("an example is none") }
    let request = SPFRequest(clientAddress: address, sender: sender, helo: "mx.example.com")
    let evaluation = await spf.evaluate(request)
    guard evaluation.result == .pass, evaluation.lookupCount == 3 else { throw Unexpected("\(evaluation.report)") }
    try await measure("SPF, a mx include, from cache") { _ = await spf.evaluate(request) }
    let dmarc = DMARCEvaluator(resolver: resolver)
    let asked = DMARCRequest(from: from, identifiers: [DMARCIdentifier(.spf, "pass", from)])
    guard await dmarc.evaluate(asked).result == .pass else { throw Unexpected("DMARC does not pass") }
    try await measure("DMARC, aligned, from cache") { _ = await dmarc.evaluate(asked) }
  }
}

/// What is measured is not what should be.
struct Unexpected: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
