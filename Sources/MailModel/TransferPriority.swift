/// How soon a sender wants a message transferred, before and after which others: the MT-PRIORITY parameter of MAIL
/// (RFC 6710). The greater goes first; 0 is what a message has of which nothing is said.
public struct TransferPriority: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// From -9 to 9.
  public let level: Int8

  /// `nil` where `level` is not from -9 to 9.
  public init?(_ level: Int) {
    guard (-9...9).contains(level) else { return nil }
    self.level = Int8(level)
  }

  /// The parameter's value (RFC 6710): a digit, behind `-` where it is below 0.
  package init?(_ text: Span<UInt8>) {
    let isNegative = text.count == 2 && text[0] == UInt8(ascii: "-")
    guard text.count == (isNegative ? 2 : 1) else { return nil }
    let digit = text[text.count - 1]
    guard digit.isASCIIDigit, !isNegative || digit != UInt8(ascii: "0") else { return nil }
    level = Int8(digit - UInt8(ascii: "0")) * (isNegative ? -1 : 1)
  }

  /// What goes later before what goes first.
  public static func < (left: TransferPriority, right: TransferPriority) -> Bool { left.level < right.level }

  /// The parameter's value.
  public var description: String { "\(level)" }
}
