import MailModel
import Testing

@testable import SMTPProtocol

/// A dialogue as it should be: `S:` is what the server says, `C:` what the client does.
struct ClientTranscript: Sendable, CustomTestStringConvertible {
  var name: String
  var configuration = ClientConfiguration.test
  var transactions: [ClientTransaction] = []
  var content = "Subject: x\r\n\r\nhello\r\n"
  /// The content as it is given, if not at once.
  var pieces: [String]?
  /// Whether each chunk is answered before the next is made.
  var readsBetweenChunks = false
  var lines: String
  var outcomes: [[ClientOutcome]] = []
  var failure: ClientFailure?
  var stage: ClientStage

  var testDescription: String { name }

  enum Cut: CaseIterable, Sendable { case reads, lines, octets }

  /// What the server says, with what the client has answered to each part of it.
  func exchanges() -> [(server: [String], client: [String])] {
    var result: [(server: [String], client: [String])] = []
    for line in lines.split(separator: "\n") {
      let text = line.dropFirst(2).drop { $0 == " " } + "\r\n"
      if line.hasPrefix("S:") {
        if let last = result.last, last.client.isEmpty {
          result[result.count - 1].server.append(String(text))
        } else {
          result.append(([String(text)], []))
        }
      } else {
        result[result.count - 1].client.append(String(text))
      }
    }
    return result
  }

  /// What the client says after each part of what the server says, cut in one of the ways.
  func run(_ cut: Cut) -> (harness: ClientHarness, said: [String]) {
    let harness = ClientHarness(
      configuration, transactions, pieces: pieces ?? [content], readsBetweenChunks: readsBetweenChunks)
    var said: [String] = []
    for exchange in exchanges() {
      let start = harness.output.count
      switch cut {
      case .reads: harness.hear(exchange.server.joined())
      case .lines: exchange.server.forEach { harness.hear($0) }
      case .octets: exchange.server.joined().utf8.forEach { harness.hear([$0]) }
      }
      said.append(String(decoding: harness.output[start...], as: UTF8.self))
    }
    return (harness, said)
  }
}
