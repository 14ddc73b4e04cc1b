import MailModel

/// Why a text is no SPF record.
public struct SPFSyntaxError: Error, Hashable, CustomStringConvertible {
  /// Where: 1 for the first octet of the record, its strings joined.
  public var column: Int
  /// What is wrong there, in a few words.
  public var reason: String

  init(at index: Int, _ reason: String) { (column, self.reason) = (index + 1, reason) }

  /// `column 12: there is no mechanism "foo"`
  public var description: String { "column \(column): \(reason)" }
}

/// Octets of a record for a person's eyes: what is no visible US-ASCII stands as `\DDD`, so that nothing in a record can write
/// into a log or a terminal.
func displayed(_ octets: some Sequence<UInt8>) -> String {
  var text: [UInt8] = []
  for octet in octets {
    if octet == .space || octet.isASCIIVisible {
      text.append(octet)
    } else {
      text += "\\\(String(1000 + Int(octet)).dropFirst())".utf8
    }
  }
  return String(decoding: text, as: UTF8.self)
}

/// The same, cut where it is long: a term can have 64 KiB, a sentence cannot.
func shortened(_ octets: some Collection<UInt8>) -> String {
  let most = 60
  return displayed(octets.prefix(most)) + (octets.count > most ? "…" : "")
}

/// The same, quoted.
func quoted(_ octets: some Collection<UInt8>) -> String { "\"\(shortened(octets))\"" }
