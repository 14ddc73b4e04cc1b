import MailModel

/// A name of a tenant's thing, unique within a deployment.
public struct Identifier<Thing>: Hashable, Sendable, CustomStringConvertible {
  /// 1 to 256 visible octets of US-ASCII.
  public let description: String

  /// `nil` where `text` is empty, longer than 256 octets, or holds more than visible US-ASCII.
  public init?(_ text: String) {
    guard (1...256).contains(text.utf8.count), text.utf8.allSatisfy(\.isASCIIVisible) else { return nil }
    description = text
  }

  /// A new one: 128 random bits in the form of a UUID (RFC 9562 §5.4).
  public static func random() -> Identifier {
    var bits = UInt128.random(in: .min ... .max)
    bits = bits & ~(0xF << 76) | 0x4 << 76
    bits = bits & ~(0x3 << 62) | 0x2 << 62
    let digits = Array(String(bits, radix: 16).utf8)
    let padded = Array(repeating: UInt8(ascii: "0"), count: 32 - digits.count) + digits
    let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(decoding: padded[$0], as: UTF8.self) }
    return Identifier(trusted: parts.joined(separator: "-"))
  }

  private init(trusted description: String) { self.description = description }
}
