import MailModel

extension DomainName {
  /// How many labels it has; one at least.
  var labelCount: Int { description.utf8.count { $0 == UInt8(ascii: ".") } + 1 }

  /// Its last labels, that many; itself where it has no more.
  func suffix(_ count: Int) -> DomainName {
    var labels = 0
    for index in description.utf8.indices.reversed() where description.utf8[index] == UInt8(ascii: ".") {
      labels += 1
      if labels == count { return DomainName(String(description[description.utf8.index(after: index)...])) ?? self }
    }
    return self
  }

  /// The domain above; `nil` for one of a single label.
  var parent: DomainName? { labelCount > 1 ? suffix(labelCount - 1) : nil }

  /// Whether this is `other`, or stands below it.
  func isWithin(_ other: DomainName) -> Bool { self == other || description.hasSuffix(".\(other.description)") }
}
