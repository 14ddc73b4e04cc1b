import LibCrypto
import MailModel
import Testing

@testable import DomainVerification

@Suite struct DKIMBodyHashTests {
  typealias Form = DKIMCanonicalization.Algorithm

  /// What a body's canonical form is, told by its count and its digest.
  static func expectation(_ form: Form, _ canonical: [UInt8]) throws -> DKIMBodyDigest {
    DKIMBodyDigest(
      canonicalization: form, octets: try SHA256.digest(of: canonical.span), count: UInt64(canonical.count))
  }

  /// The canonical form by the letter of RFC 6376 §3.4.3 and §3.4.4: line by line, the whole body in memory.
  static func canonical(_ form: Form, _ body: [UInt8]) -> [UInt8] {
    var lines: [[UInt8]] = [[]]
    var index = 0
    while index < body.count {
      if body[index] == 13, index + 1 < body.count, body[index + 1] == 10 {
        lines.append([])
        index += 2
      } else {
        lines[lines.count - 1].append(body[index])
        index += 1
      }
    }
    if form == .relaxed {
      lines = lines.map { line in
        var reduced: [UInt8] = []
        for octet in line {
          let isBlank = octet == 32 || octet == 9
          if isBlank, reduced.last == 32 { continue }
          reduced.append(isBlank ? 32 : octet)
        }
        if reduced.last == 32 { reduced.removeLast() }
        return reduced
      }
    }
    while lines.last == [] { lines.removeLast() }
    if lines.isEmpty { return form == .simple ? [13, 10] : [] }
    return lines.flatMap { $0 + [13, 10] }
  }

  static func hash(_ form: Form, _ chunks: [ArraySlice<UInt8>], limit: UInt64 = .max) throws -> DKIMBodyDigest {
    var hash = try DKIMBodyHash(form, limit: limit)
    for chunk in chunks { hash.update(Array(chunk).span) }
    return try hash.finish()
  }

  @Test(arguments: [
    ("", "\r\n", ""),
    ("\r\n", "\r\n", ""),
    ("\r\n\r\n\r\n", "\r\n", ""),
    (" \t\r\n \r\n", " \t\r\n \r\n", ""),
    ("a", "a\r\n", "a\r\n"),
    ("a \r\n", "a \r\n", "a\r\n"),
    ("a \t", "a \t\r\n", "a\r\n"),
    ("a\r\n\r\n\r\n", "a\r\n", "a\r\n"),
    ("a\r\n \r\n\t\r\n", "a\r\n \r\n\t\r\n", "a\r\n"),
    ("a\r\n\r\n\r\nb", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n"),
    ("\ta  b\t c\r\n", "\ta  b\t c\r\n", " a b c\r\n"),
    ("a\n", "a\n\r\n", "a\n\r\n"),
    ("a \r b\r", "a \r b\r\r\n", "a \r b\r\r\n"),
    ("a\r\r\n", "a\r\r\n", "a\r\r\n"),
    // RFC 6376 §3.4.5
    (" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"),
  ])
  func `a body's canonical forms`(_ body: String, _ simple: String, _ relaxed: String) throws {
    for (form, canonical) in [(Form.simple, simple), (.relaxed, relaxed)] {
      #expect(Self.canonical(form, Array(body.utf8)) == Array(canonical.utf8))
      #expect(try Self.hash(form, [Array(body.utf8)[...]]) == Self.expectation(form, Array(canonical.utf8)))
    }
  }

  @Test(arguments: Form.allCases)
  func `no cut changes the digest`(_ form: Form) throws {
    let body = Array(
      """
      First\tline,  with blanks \t \r
       and one that begins so\r
      \r
       \t\r
      \rodd\nones \r \n\r\r\n and a long stretch without anything that a canonical form would have to change in it \r
      end  \r
      \r
       \r
      \r

      """.utf8)
    let expected = try Self.expectation(form, Self.canonical(form, body))
    for first in 0...body.count {
      #expect(try Self.hash(form, [body[..<first], body[first...]]) == expected, "cut at \(first)")
      for second in stride(from: first, through: body.count, by: 7) {
        #expect(try Self.hash(form, [body[..<first], body[first..<second], body[second...]]) == expected)
      }
    }
    #expect(try Self.hash(form, body.indices.map { body[$0...$0] }) == expected)
  }

  @Test(arguments: Form.allCases)
  func `the digest is the one of the canonical form, whatever the body`(_ form: Form) throws {
    var generator = DKIMRandom(6376)
    for round in 0..<4000 {
      let alphabet: [UInt8] = round % 2 == 0 ? [13, 10, 32, 9, 97] : [13, 10, 32, 97, 98, 99, 100, 101, 102, 103, 104]
      let body = (0..<Int.random(in: 0...160, using: &generator)).flatMap { _ -> [UInt8] in
        let octet = alphabet.randomElement(using: &generator) ?? 97
        return octet == 13 && Bool.random(using: &generator) ? [13, 10] : [octet]
      }
      let cut = Int.random(in: 0...body.count, using: &generator)
      let digest = try Self.hash(form, [body[..<cut], body[cut...]])
      #expect(try digest == Self.expectation(form, Self.canonical(form, body)), "\(body)")
    }
  }

  /// The canonical form fills what it is gathered in at every place of a text whose blanks all change.
  @Test(arguments: Form.allCases)
  func `a long body of blanks that change`(_ form: Form) throws {
    let unit = Array("a  b\tc \r\nde   f\r \r\r\n \t \r\n\r\ng\n  ".utf8)
    for offset in 0..<unit.count {
      let body = Array(repeating: UInt8(ascii: "x"), count: offset) + Array(repeating: unit, count: 600).joined()
      let expected = try Self.expectation(form, Self.canonical(form, body))
      for cut in [0, 1, 9, 10, 11, 2048, 4096, body.count - 1] {
        #expect(try Self.hash(form, [body[..<cut], body[cut...]]) == expected, "offset \(offset), cut at \(cut)")
      }
      for limit in [4095, 4096, 4097] {
        let part = try Self.hash(form, [body[...]], limit: UInt64(limit))
        #expect(try part.octets == SHA256.digest(of: Array(Self.canonical(form, body).prefix(limit)).span))
        #expect(part.count == expected.count)
      }
    }
  }

  @Test(arguments: Form.allCases, [0, 1, 4095, 4096, 4097, 9_999, 10_000, 10_001])
  func `a limit cuts the canonical form, and all of it is counted`(_ form: Form, _ limit: Int) throws {
    let body = [UInt8](repeating: 97, count: 9_998) + [13, 10, 13, 10]
    let digest = try Self.hash(form, [body[...]], limit: UInt64(limit))
    #expect(digest.count == 10_000)
    let canonical = Self.canonical(form, body)
    #expect(try digest.octets == SHA256.digest(of: Array(canonical.prefix(limit)).span))
  }

  /// RFC 6376 §3.4.3 and §3.4.4 name the digests of an empty body.
  @Test func `an empty body`() throws {
    let simple = try Self.hash(.simple, [])
    let relaxed = try Self.hash(.relaxed, [])
    #expect(DKIMTest.base64(simple.octets) == "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=")
    #expect(DKIMTest.base64(relaxed.octets) == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
  }
}
