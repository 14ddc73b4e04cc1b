import MailModel

/// A list of tags and values, `v=DKIM1; k=rsa; p=…` (RFC 6376 §3.2): the grammar of DKIM's signatures and key records. DMARC's
/// records are read by ``DMARCRecord``, since there a tag that is wrong leaves the others alone.
struct TagList: Sendable {
  /// One tag.
  struct Tag: Sendable {
    /// The name, as it was written: names are compared with case.
    var name: String
    /// The value's octets in the list, blanks and folds around it not counted.
    var value: Range<Int>
  }

  /// Why a text is no list of tags.
  struct SyntaxError: Error, Hashable {
    /// Octets before the one at fault.
    var offset: Int
    /// What is wrong there.
    var reason: String
  }

  /// The text.
  let octets: [UInt8]
  /// The tags in order, no name twice.
  let tags: [Tag]

  /// The most tags of a list: DKIM-Signature has 13 that are known (RFC 6376 §3.5).
  static let tagLimit = 64

  /// The tags of a text. Values may be empty; one semicolon may end the list.
  ///
  /// Every CR and LF counts as a blank, whether a line is folded there or not: what comes from a header field has none but in
  /// folds, and a TXT record that has one elsewhere is read by other verifiers too.
  ///
  /// - Parameter allowsUTF8: whether values may hold octets beyond US-ASCII, as the DKIM-Signature of an internationalised
  ///   message does (RFC 8616 §5).
  /// - Throws: ``SyntaxError`` for a part that is no tag, for a name that stands twice (RFC 6376 §3.2: the whole list is invalid),
  ///   for an octet that no value may hold, and for more than `limit` tags.
  init(_ octets: [UInt8], limit: Int = tagLimit, allowsUTF8: Bool = false) throws(SyntaxError) {
    self.octets = octets
    var tags: [Tag] = []
    var start = 0
    while start <= octets.count {
      let end = octets[start...].firstIndex(of: UInt8(ascii: ";")) ?? octets.count
      let part = octets.trimmed(start..<end, of: \.isFoldingBlank)
      if part.isEmpty {
        // A semicolon may end the list; between two of them a tag is missing.
        guard octets.trimmed(start..<octets.count, of: \.isFoldingBlank).isEmpty, !tags.isEmpty else {
          throw SyntaxError(offset: start, reason: "a tag is missing")
        }
        break
      }
      let tag = try Self.tag(octets, part, allowsUTF8)
      guard !tags.contains(where: { $0.name == tag.name }) else {
        throw SyntaxError(offset: part.lowerBound, reason: "the tag \(tag.name)= stands twice")
      }
      guard tags.count < limit else { throw SyntaxError(offset: part.lowerBound, reason: "over \(limit) tags") }
      tags.append(tag)
      start = end + 1
    }
    self.tags = tags
  }

  /// Where the value of a tag stands; `nil` where there is no such tag.
  func range(of name: String) -> Range<Int>? { tags.first { $0.name == name }?.value }

  /// The value of a tag as text; `nil` where there is no such tag.
  subscript(_ name: String) -> String? {
    range(of: name).map { String(decoding: octets[$0], as: UTF8.self) }
  }

  /// The value of a tag without any blank or fold, as base 64 and lists by colons are read; `nil` where there is no such tag.
  func compact(_ name: String) -> [UInt8]? { range(of: name).map { octets[$0].filter { !$0.isFoldingBlank } } }

  /// Where the items of a list by colons stand, blanks around each not counted, some perhaps empty; `nil` where there is no such
  /// tag.
  func items(of name: String) -> [Range<Int>]? {
    range(of: name).map { range in
      octets[range].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
        octets.trimmed($0.startIndex..<$0.endIndex, of: \.isFoldingBlank)
      }
    }
  }

  /// `tag-name FWS "=" FWS tag-value`
  private static func tag(
    _ octets: [UInt8], _ part: Range<Int>, _ allowsUTF8: Bool
  ) throws(SyntaxError) -> Tag {
    guard let equals = octets[part].firstIndex(of: UInt8(ascii: "=")) else {
      throw SyntaxError(offset: part.lowerBound, reason: "no = behind the name of a tag")
    }
    let name = octets.trimmed(part.lowerBound..<equals, of: \.isFoldingBlank)
    guard let first = name.first, octets[first].isASCIILetter,
      octets[name].allSatisfy({ $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "_") })
    else { throw SyntaxError(offset: part.lowerBound, reason: "no name of a tag") }
    let value = octets.trimmed((equals + 1)..<part.upperBound, of: \.isFoldingBlank)
    for index in value where !octets[index].isASCIIVisible && !octets[index].isFoldingBlank {
      if allowsUTF8 && octets[index] >= 0x80 { continue }
      throw SyntaxError(offset: index, reason: "an octet that no value may hold")
    }
    return Tag(name: String(decoding: octets[name], as: UTF8.self), value: value)
  }
}

extension [UInt8] {
  /// A range without what counts as a blank at its ends.
  func trimmed(_ range: Range<Int>, of isBlank: (UInt8) -> Bool) -> Range<Int> {
    var range = range
    while let first = range.first, isBlank(self[first]) { range.removeFirst() }
    while let last = range.last, isBlank(self[last]) { range.removeLast() }
    return range
  }
}

extension UInt8 {
  /// A part of FWS (RFC 6376 §2.8): a blank, or the end of a folded line.
  var isFoldingBlank: Bool { isASCIIBlank || self == .carriageReturn || self == .lineFeed }
}
