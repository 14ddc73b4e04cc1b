extension DNSResolverConformance {
  /// The name under which ``zone`` is served (RFC 6761 §6.2).
  public static let apex = "conformance.test"

  /// The records that the checks ask for, as the text of a master file (RFC 1035 §5): each line is whole, with its
  /// name, its TTL, its class and its type.
  public static let zone = """
    conformance.test. 60 IN SOA ns.conformance.test. admin.conformance.test. 1 3600 600 86400 30
    conformance.test. 300 IN NS ns.conformance.test.
    ns.conformance.test. 300 IN A 127.0.0.1
    host.conformance.test. 300 IN A 192.0.2.1
    host.conformance.test. 300 IN A 192.0.2.2
    host.conformance.test. 300 IN AAAA 2001:db8::1
    host.conformance.test. 300 IN TXT "text of a host"
    mail.conformance.test. 300 IN MX 10 host.conformance.test.
    mail.conformance.test. 300 IN MX 65535 backup.conformance.test.
    mail.conformance.test. 300 IN MX 0 \\001._x.conformance.test.
    nomail.conformance.test. 300 IN MX 0 .
    text.conformance.test. 300 IN TXT "v=spf1 " "-all"
    text.conformance.test. 300 IN TXT "v=spf1 -all"
    text.conformance.test. 300 IN TXT ""
    text.conformance.test. 300 IN TXT "" "a" ""
    text.conformance.test. 300 IN TXT "\\000\\009\\010\\"\\\\;\\127\\255"
    text.conformance.test. 300 IN TXT "\(String(repeating: "x", count: 255))"
    1.2.0.192.conformance.test. 300 IN PTR host.conformance.test.
    1.2.0.192.conformance.test. 300 IN PTR mail.conformance.test.
    _25._tcp.host.conformance.test. 300 IN TLSA 3 1 1 \(String(repeating: "0a", count: 32))
    _25._tcp.host.conformance.test. 300 IN TLSA 2 0 2 \(String(repeating: "ff", count: 64))
    _25._tcp.host.conformance.test. 300 IN TLSA 255 255 255 00
    _25._tcp.host.conformance.test. 300 IN TLSA 3 0 0 \(String(repeating: "c3", count: 1500))
    alias.conformance.test. 300 IN CNAME alias2.conformance.test.
    alias2.conformance.test. 40 IN CNAME alias3.conformance.test.
    alias3.conformance.test. 300 IN CNAME host.conformance.test.
    alias-to-nothing.conformance.test. 300 IN CNAME missing.conformance.test.
    alias-to-nodata.conformance.test. 300 IN CNAME mail.conformance.test.
    circle.conformance.test. 300 IN CNAME circle2.conformance.test.
    circle2.conformance.test. 300 IN CNAME circle.conformance.test.
    own-circle.conformance.test. 300 IN CNAME own-circle.conformance.test.
    leaf.empty.conformance.test. 300 IN A 192.0.2.3
    *.wild.conformance.test. 300 IN TXT "wild"
    brief.conformance.test. 20 IN A 192.0.2.4
    CaSe.CONFORMANCE.test. 300 IN MX 10 HOST.Conformance.TEST.
    a\\.b.conformance.test. 300 IN A 192.0.2.5
    \\000\\032\\255\\@.conformance.test. 300 IN A 192.0.2.6
    \(longestPrefix).conformance.test. 300 IN A 192.0.2.7
    large.conformance.test. 300 IN TXT \((0..<16).map { "\"\(letters($0))\"" }.joined(separator: " "))
    \((1...100).map { "many.conformance.test. 300 IN A 198.51.100.\($0)" }.joined(separator: "\n"))

    """

  /// What makes ``apex`` a name of 255 octets: three labels of 63, one of 44.
  static let longestPrefix = [63, 63, 63, 44].map { String(repeating: "n", count: $0) }.joined(separator: ".")

  /// One of the strings of the large TXT record: 250 octets of a letter.
  static func letters(_ index: Int) -> String {
    String(repeating: Character(Unicode.Scalar(UInt8(ascii: "a") + UInt8(index))), count: 250)
  }
}
