import LibCrypto
import MailModel

extension DKIMKeyRecord {
  /// The most octets that a TXT record holds (RFC 1035 §4.1.3).
  public static let largestCount = 65_535

  /// Reads the octets of a TXT record, its strings joined.
  ///
  /// A record that breaks the grammar of RFC 6376 §3.6.1 is none, as §6.1.2 has it: a tag twice, `p=` missing, a `v=` that is
  /// not first or not `DKIM1`, an octet in `p=` that is no base 64. Tags and values are compared with case (§3.2). What is
  /// lawful though odd is read: `v=` missing, no padding at the end of `p=`, RSAPublicKey there (as §3.6.1 says) in place of
  /// SubjectPublicKeyInfo (as its examples have it, and everybody does), tags, flags, types and algorithms that are unknown.
  ///
  /// - Throws: ``DKIMKeyProblem`` of kind ``DKIMKeyProblem/Kind/syntax``, with its column.
  public init(_ octets: [UInt8]) throws(DKIMKeyProblem) {
    guard octets.count <= Self.largestCount else {
      throw DKIMKeyProblem(.syntax, at: Self.largestCount, "a TXT record holds at most 65,535 octets")
    }
    let tags = try Self.tags(octets)
    try Self.checkVersion(tags)
    self.init(keyType: "rsa")
    if let types = try Self.words("k", tags) {
      guard types.count == 1 else { throw .syntax(tags, "k", "k= names one type") }
      keyType = types[0]
    }
    hashes = try Self.words("h", tags)
    services = try Self.words("s", tags) ?? services
    flags = try Self.words("t", tags) ?? flags
    notes = tags["n"]
    keyOctets = try Self.keyOctets(tags, &remarks)
    readKey(at: tags.range(of: "p")?.lowerBound)
  }

  private static func tags(_ octets: [UInt8]) throws(DKIMKeyProblem) -> TagList {
    do { return try TagList(octets) } catch {
      let isQuoted = error.offset < octets.count && octets[error.offset] == UInt8(ascii: "\"")
      throw DKIMKeyProblem(
        .syntax, at: error.offset,
        isQuoted ? "a quotation mark, which belongs around the text and not into it" : error.reason)
    }
  }

  /// `v=` may be missing; what stands there is `DKIM1`, before all other tags.
  private static func checkVersion(_ tags: TagList) throws(DKIMKeyProblem) {
    guard let version = tags.range(of: "v") else { return }
    let octets = tags.octets[version]
    if octets.last == UInt8(ascii: "\\") {
      throw .syntax(tags, "v", "a backslash stands before the semicolon: it is for master files alone")
    }
    guard octets.elementsEqual("DKIM1".utf8) else {
      throw .syntax(tags, "v", "v= is \(quoted(octets)), and not \"DKIM1\"")
    }
    guard tags.tags.first?.name == "v" else { throw .syntax(tags, "v", "v= is not the first tag") }
  }

  /// A list by colons of words of letters, digits and hyphens, or `*`; `nil` where there is no such tag.
  private static func words(_ name: String, _ tags: TagList) throws(DKIMKeyProblem) -> [String]? {
    guard let items = tags.items(of: name) else { return nil }
    var words: [String] = []
    for item in items {
      let octets = tags.octets[item]
      guard octets.isHyphenatedWord || octets.elementsEqual("*".utf8) else {
        throw DKIMKeyProblem(.syntax, at: item.lowerBound, "a word is missing in \(name)=, or holds what no word may")
      }
      words.append(String(decoding: octets, as: UTF8.self))
    }
    return words
  }

  /// What `p=` spells (`base64string`, RFC 6376 §2.10): folds within it do not count, up to two `=` may end it.
  private static func keyOctets(
    _ tags: TagList, _ remarks: inout [DKIMKeyProblem]
  ) throws(DKIMKeyProblem) -> [UInt8] {
    guard let range = tags.range(of: "p") else { throw DKIMKeyProblem(.syntax, "p= is missing") }
    var digits: [UInt8] = []
    var padding = 0
    for index in range where !tags.octets[index].isFoldingBlank {
      let octet = tags.octets[index]
      if octet == UInt8(ascii: "="), !digits.isEmpty, padding < 2 {
        padding += 1
      } else {
        guard octet.isBase64Digit, padding == 0 else {
          throw DKIMKeyProblem(.syntax, at: index, "\(quoted([octet])) is out of place in the base 64 of p=")
        }
        digits.append(octet)
      }
    }
    guard let octets = Base64.decodeUnpadded(digits.span) else {
      throw DKIMKeyProblem(.syntax, at: range.upperBound - 1, "the base 64 of p= is cut off")
    }
    if (digits.count + padding) % 4 != 0 {
      remarks.append(
        DKIMKeyProblem(.spelling, at: range.upperBound - 1, "the base 64 of p= lacks the padding at its end"))
    }
    return octets
  }

  /// Makes the key of what `p=` spells, or notes why there is none.
  private mutating func readKey(at index: Int?) {
    guard !keyOctets.isEmpty else {
      keyProblem = Self.revoked.keyProblem
      return
    }
    switch keyType {
    case "rsa": readRSA(at: index)
    case "ed25519": readEdwards(at: index)
    default:
      let known = ["rsa", "ed25519"].first { keyType.lowercased() == $0 }
      let hint = known.map { ", which is in lower case: \($0)" } ?? ", which is unknown"
      keyProblem = DKIMKeyProblem(.keyType, "the key is of type \(keyType)\(hint)")
    }
  }

  private mutating func readRSA(at index: Int?) {
    do {
      let key = try VerifyingKey(subjectPublicKeyInfo: keyOctets.span)
      if DKIMAlgorithm.rsaSHA256.isFor(key.kind) {
        self.key = key
      } else {
        keyProblem = DKIMKeyProblem(.keyData, at: index, "p= holds a key of another type than k=rsa")
      }
    } catch {
      guard error.code == .unreadableKey else {
        keyProblem = DKIMKeyProblem(.keyData, at: index, "p= holds \(error.message)")
        return
      }
      readBareRSA(at: index)
    }
  }

  private mutating func readBareRSA(at index: Int?) {
    do {
      key = try VerifyingKey(rsaPublicKey: keyOctets.span)
      remarks.append(
        DKIMKeyProblem(
          .spelling, at: index, "p= holds RSAPublicKey, and not SubjectPublicKeyInfo as everybody writes it"))
    } catch  where error.code == .unreadableKey {
      let isEdwards = keyOctets.count == 32
      keyProblem = DKIMKeyProblem(
        .keyData, at: index, isEdwards ? "p= holds an Ed25519 key, and k=ed25519 is missing" : "p= holds no RSA key")
    } catch {
      keyProblem = DKIMKeyProblem(.keyData, at: index, "p= holds \(error.message)")
    }
  }

  private mutating func readEdwards(at index: Int?) {
    if let key = try? VerifyingKey(ed25519: keyOctets.span) {
      self.key = key
      return
    }
    let isFramed = (try? VerifyingKey(subjectPublicKeyInfo: keyOctets.span))?.kind == .ed25519
    keyProblem = DKIMKeyProblem(
      .keyData, at: index,
      isFramed
        ? "p= holds SubjectPublicKeyInfo, and not the bare 32 octets of the Ed25519 key that end it"
        : "p= holds \(keyOctets.count) octets, and an Ed25519 key has 32")
  }
}

extension DKIMKeyProblem {
  fileprivate static func syntax(_ tags: TagList, _ tag: String, _ message: String) -> DKIMKeyProblem {
    DKIMKeyProblem(.syntax, at: tags.range(of: tag)?.lowerBound, message)
  }
}

extension UInt8 {
  fileprivate var isBase64Digit: Bool { isASCIIAlphanumeric || self == UInt8(ascii: "+") || self == UInt8(ascii: "/") }
}

extension ArraySlice<UInt8> {
  /// `hyphenated-word` of RFC 6376 §3.2.
  fileprivate var isHyphenatedWord: Bool {
    guard let first, let last, first.isASCIILetter, last.isASCIIAlphanumeric else { return false }
    return allSatisfy { $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "-") }
  }
}
