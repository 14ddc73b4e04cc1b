import DeliveryQueue
import Foundation
import MailModel

/// A group of recipients as it is printed.
struct CountReport: Encodable {
  let name: String?
  let total: Int
  let recipients: [String: Int]

  private enum CodingKeys: CodingKey { case name, total, recipients }

  init(_ count: QueueCount) { (name, total, recipients) = (count.name, count.total, count.recipients.byName) }

  /// By hand for the name's sake, which is null where there is none.
  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(total, forKey: .total)
    try container.encode(recipients, forKey: .recipients)
  }
}

/// A queue's figures as they are printed.
struct SummaryReport: Encodable {
  let messages: Int
  let octets: Int
  let recipients: [String: Int]
  let oldest: String?
  /// Of the oldest message, in seconds.
  let age: Int?

  private enum CodingKeys: CodingKey { case messages, octets, recipients, oldest, age }
  private let states: String

  init(_ summary: QueueSummary, at now: Timestamp) {
    (messages, octets) = (summary.messages, summary.octets)
    (recipients, states) = (summary.recipients.byName, summary.recipients.text)
    oldest = summary.oldest?.description
    age = summary.oldest.map { Int(max(.zero, now - $0).components.seconds) }
  }

  /// By hand for the oldest message's sake, which is null where there is none.
  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(messages, forKey: .messages)
    try container.encode(octets, forKey: .octets)
    try container.encode(recipients, forKey: .recipients)
    try container.encode(oldest, forKey: .oldest)
    try container.encode(age, forKey: .age)
  }

  var text: String {
    var lines = ["messages    \(messages)", "octets      \(octets)", "recipients  \(states.isEmpty ? "0" : states)"]
    if let oldest, let age {
      let style = Duration.UnitsFormatStyle(
        allowedUnits: [.days, .hours, .minutes, .seconds], width: .narrow, maximumUnitCount: 2
      ).locale(Locale(identifier: "en_US"))
      lines.append("oldest      \(oldest), \(Duration.seconds(age).formatted(style)) ago")
    }
    return lines.joined(separator: "\n")
  }
}

extension [RecipientState: Int] {
  fileprivate var byName: [String: Int] {
    Dictionary<String, Int>(uniqueKeysWithValues: map { ($0.key.rawValue, $0.value) })
  }

  /// `3 queued, 1 held`.
  var text: String {
    RecipientState.allCases.compactMap { state in self[state].map { "\($0) \(state.rawValue)" } }
      .joined(separator: ", ")
  }
}
