/// The encoder of RFC 3492 with the parameters of its §5, which makes an A-label out of a U-label.
enum Punycode {
  /// Appends what spells `label`, without the prefix `xn--`. The label has 63 scalars at most, so that nothing overflows.
  static func encode(_ label: [Unicode.Scalar], into output: inout [UInt8]) {
    for scalar in label where scalar.isASCII { output.append(UInt8(truncatingIfNeeded: scalar.value)) }
    let basicCount = label.count(where: \.isASCII)
    if basicCount > 0 { output.append(UInt8(ascii: "-")) }
    var handled = basicCount
    var next = 0x80  // the smallest scalar not handled yet
    var delta = 0
    var bias = 72
    while let smallest = label.lazy.map({ Int($0.value) }).filter({ $0 >= next }).min() {
      delta += (smallest - next) * (handled + 1)
      next = smallest
      for scalar in label {
        if scalar.value < next { delta += 1 }
        guard scalar.value == next else { continue }
        appendInteger(delta, bias: bias, to: &output)
        bias = adaptedBias(delta, handled: handled + 1, isFirst: handled == basicCount)
        delta = 0
        handled += 1
      }
      delta += 1
      next += 1
    }
  }

  /// A generalised variable-length integer (§3.3).
  private static func appendInteger(_ number: Int, bias: Int, to output: inout [UInt8]) {
    var rest = number
    var position = base
    while true {
      let threshold = min(max(position - bias, 1), 26)
      guard rest >= threshold else { return output.append(digit(rest)) }
      output.append(digit(threshold + (rest - threshold) % (base - threshold)))
      rest = (rest - threshold) / (base - threshold)
      position += base
    }
  }

  /// §6.1.
  private static func adaptedBias(_ delta: Int, handled: Int, isFirst: Bool) -> Int {
    var delta = isFirst ? delta / 700 : delta / 2
    delta += delta / handled
    var position = 0
    while delta > (base - 1) * 26 / 2 {
      delta /= base - 1
      position += base
    }
    return position + base * delta / (delta + 38)
  }

  private static let base = 36

  /// `a` to `z` for 0 to 25, `0` to `9` for 26 to 35.
  private static func digit(_ value: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: value < 26 ? 0x61 + value : 0x30 + value - 26)
  }
}
