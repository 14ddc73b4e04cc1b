import MailModel

/// The quoted-printable of DKIM (RFC 6376 §2.11): `=` and two hexadecimal digits in upper case for whatever a tag's value cannot hold.
enum QuotedPrintable {
  /// The octets that `text` spells, which has no blanks any more; `nil` where an `=` begins no octet.
  static func decode(_ text: [UInt8]) -> [UInt8]? {
    var octets: [UInt8] = []
    var index = 0
    while index < text.count {
      guard text[index] == UInt8(ascii: "=") else {
        octets.append(text[index])
        index += 1
        continue
      }
      guard index + 2 < text.count, let high = digit(text[index + 1]), let low = digit(text[index + 2]) else {
        return nil
      }
      octets.append(high << 4 | low)
      index += 3
    }
    return octets
  }

  /// `text` as a tag's value: `dkim-safe-char` stands for itself.
  static func encode(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var octets: [UInt8] = []
    for octet in text.utf8 {
      if octet.isASCIIVisible, octet != UInt8(ascii: ";"), octet != UInt8(ascii: "=") {
        octets.append(octet)
      } else {
        octets += [UInt8(ascii: "="), digits[Int(octet >> 4)], digits[Int(octet & 15)]]
      }
    }
    return String(decoding: octets, as: UTF8.self)
  }

  private static func digit(_ octet: UInt8) -> UInt8? {
    (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(octet) ? nil : octet.hexadecimalValue
  }
}
