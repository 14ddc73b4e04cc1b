import MailModel
import Testing

@testable import DomainVerification

/// One octet of a signed message is changed: no signature passes, but where the canonical form is the same.
@Suite struct DKIMMutationTests {
  /// 10,000 in all: 1,250 for each pair. Every position comes at least once, by another octet each time.
  @Test(arguments: DKIMCanonicalization.allCases, DKIMAlgorithm.allCases)
  func `a changed octet`(_ form: DKIMCanonicalization, _ algorithm: DKIMAlgorithm) async throws {
    let domain = try DKIMTestDomain([algorithm]) { $0.canonicalization = form }
    let signed = try await domain.sign(DKIMTest.plain)
    let original = Self.meaning(signed, form)
    #expect(await DKIMTest.verify(signed, domain.dns).result == .pass)
    var random = DKIMRandom(UInt64(form.description.utf8.count))
    let first = Int.random(in: 0..<signed.count, using: &random)
    var passed = 0
    #expect(signed.count <= 1250)
    for round in 0..<1250 {
      let position = (first + round) % signed.count
      var changed = signed
      changed[position] ^= UInt8.random(in: 1...255, using: &random)
      // Every other time an octet that the grammars know, which is where they may err.
      if round % 2 == 0 {
        changed[position] =
          Array("\r\n \t;:=,Aa0".utf8).filter { $0 != signed[position] }.randomElement(using: &random) ?? 0
      }
      guard await DKIMTest.verify(changed, domain.dns).result == .pass else { continue }
      passed += 1
      #expect(Self.meaning(changed, form) == original, "octet \(position) is \(changed[position])")
    }
    // Blanks in b= are not signed; beyond these only what the relaxed form takes for the same.
    #expect(passed <= (form == .simple ? 20 : 200))
  }

  /// What no change of an octet comes to: one that is added, taken away, or swapped with the next.
  @Test(arguments: DKIMCanonicalization.allCases, ["added", "taken", "swapped"])
  func `an octet out of place`(_ form: DKIMCanonicalization, _ change: String) async throws {
    let domain = try DKIMTestDomain([.ed25519SHA256]) { $0.canonicalization = form }
    let signed = try await domain.sign(DKIMTest.plain)
    let original = Self.meaning(signed, form)
    let octets = Array("\r\n \t;:=,Aa0".utf8)
    for position in signed.indices.dropLast() {
      var changed = signed
      switch change {
      case "added": changed.insert(octets[position % octets.count], at: position)
      case "taken": changed.remove(at: position)
      default: changed.swapAt(position, position + 1)
      }
      guard await DKIMTest.verify(changed, domain.dns).result == .pass else { continue }
      #expect(Self.meaning(changed, form) == original, "at octet \(position)")
    }
  }

  /// What is signed of a message, by the letter: its fields and its body in their forms, and the signature without blanks.
  private static func meaning(_ message: [UInt8], _ form: DKIMCanonicalization) -> [[UInt8]] {
    let (header, body) = DKIMTest.split(message)
    var parts = header.fields.map { field in
      let octets = Array(header.octets[field.whole])
      return form.header == .simple ? octets : relaxed(octets)
    }
    if let field = parts.first, let start = field.lastRange(of: Array("b=".utf8))?.upperBound {
      parts[0] = Array(field[..<start]) + field[start...].filter { ![9, 10, 13, 32].contains($0) }
    }
    return parts + [DKIMBodyHashTests.canonical(form.body, body)]
  }

  private static func relaxed(_ field: [UInt8]) -> [UInt8] {
    guard let colon = field.firstIndex(of: 58) else { return field }
    var name = field[..<colon]
    while let last = name.last, last == 32 || last == 9 { name.removeLast() }
    // A CR or LF that ends no line is an octet like others.
    let value = field[(colon + 1)...].split(separator: [13, 10], omittingEmptySubsequences: false).joined()
    let words = Array(value).split { $0 == 32 || $0 == 9 }
    return name.map { (65...90).contains($0) ? $0 + 32 : $0 } + [58] + words.joined(separator: [32])
  }
}

extension [UInt8] {
  /// Where `part` stands for the last time.
  fileprivate func lastRange(of part: [UInt8]) -> Range<Int>? {
    (0...Swift.max(0, count - part.count)).last { self[$0...].starts(with: part) }.map { $0..<($0 + part.count) }
  }
}
