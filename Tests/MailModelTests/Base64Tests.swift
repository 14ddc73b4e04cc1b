import MailModel
import Testing

@Suite struct Base64Tests {
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
  ])
  func vectorsOfRFC4648(text: String, encoded: String) {
    var output: [UInt8] = []
    Base64.encode(Array(text.utf8).span, into: &output)
    #expect(String(decoding: output, as: UTF8.self) == encoded)
    #expect(Base64.decode(Array(encoded.utf8).span) == Array(text.utf8))
  }

  @Test func everyOctetComesBack() {
    for count in 0..<200 {
      let octets = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
      var output: [UInt8] = []
      Base64.encode(octets.span, into: &output)
      #expect(Base64.decode(output.span) == octets)
    }
  }

  @Test(arguments: [
    "A", "AA", "AAA", "====", "A===", "AA=A", "Zh==", "Zm9=", "Zg==Zg==", " Zg==", "Zg= =", "Zg-_", "Zg\n=", "=AAA",
  ])
  func isStrict(text: String) {
    #expect(Base64.decode(Array(text.utf8).span) == nil)
  }
}
