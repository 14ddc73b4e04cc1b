import MailModel
import Testing

struct ASCIITests {
  @Test func classesOfOctets() {
    let all = UInt8.min...UInt8.max
    func text(_ isMember: (UInt8) -> Bool) -> String { String(decoding: all.filter(isMember), as: UTF8.self) }
    let (upper, lower, digits) = ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789")
    #expect(text(\.isASCIILetter) == upper + lower)
    #expect(text(\.isASCIIDigit) == digits)
    #expect(text(\.isASCIIAlphanumeric) == digits + upper + lower)
    #expect(text(\.isASCIIBlank) == "\t ")
    #expect(all.filter(\.isASCIIVisible) == Array(0x21...0x7E))
    #expect(Set(text(\.isAtomText)) == Set(upper + lower + digits + "!#$%&'*+-/=?^_`{|}~"))
    #expect(text { $0.hexadecimalValue != nil } == digits + "ABCDEFabcdef")
    #expect(Array("09afAF".utf8).map(\.hexadecimalValue) == [0, 9, 10, 15, 10, 15])
    for octet in all {
      #expect(octet.asciiLowercased == ((0x41...0x5A).contains(octet) ? octet + 0x20 : octet))
    }
  }

  @Test func comparesWithoutCase() {
    let octets = Array("STARTtls now".utf8)
    let begins = octets.span.startsIgnoringCase("starttls")
    let beginsLonger = octets.span.startsIgnoringCase("starttls now!")
    let equals = octets.span.extracting(0..<8).equalsIgnoringCase("starttls")
    let equalsPrefix = octets.span.equalsIgnoringCase("starttls")
    #expect(begins && !beginsLonger && equals && !equalsPrefix)
    // Octets that differ from letters in the case bit alone.
    let similar: [UInt8] = [0x5B, 0x40]
    let isSame = similar.span.equalsIgnoringCase("{`")
    #expect(!isSame)
  }

  @Test func findsOctets() {
    let octets: [UInt8] = [1, 2, 1, 3]
    let found = [octets.span.firstIndex(of: 1), octets.span.firstIndex(of: 1, from: 1), octets.span.firstIndex(of: 9)]
    #expect(found == [0, 2, nil])
    let behind = octets.span.firstIndex(of: 1, from: 4)
    #expect(behind == nil)
    let text = octets.span.extracting(1...).array()
    #expect(text == [2, 1, 3])
  }
}
