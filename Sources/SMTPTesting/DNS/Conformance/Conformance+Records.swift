import MailDNS

extension DNSResolverConformance {
  func addresses(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    let host = probe.name("host")
    await probe.expectRecords(resolver, host, .a, probe.addresses("192.0.2.1", "192.0.2.2"))
    await probe.expectRecords(resolver, host, .aaaa, probe.addresses("2001:db8::1"))
  }

  func mailExchangers(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    await probe.expectRecords(
      resolver, probe.name("mail"), .mx,
      [
        .mailExchanger(preference: 10, host: probe.name("host")),
        .mailExchanger(preference: 65535, host: probe.name("backup")),
        .mailExchanger(preference: 0, host: probe.name("\\001._x")),
      ])
    await probe.expectRecords(
      resolver, probe.name("nomail"), .mx, [.mailExchanger(preference: 0, host: .root)])
  }

  func texts(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    let strings: [[[UInt8]]] = [
      [Array("v=spf1 ".utf8), Array("-all".utf8)], [Array("v=spf1 -all".utf8)], [[]], [[], [0x61], []],
      [[0, 9, 10, 0x22, 0x5C, 0x3B, 127, 255]], [Array(repeating: 0x78, count: 255)],
    ]
    await probe.expectRecords(
      resolver, probe.name("text"), .txt, strings.map { .text(DNSText(strings: $0)) })
    await probe.expectRecords(resolver, probe.name("host"), .txt, [.text(DNSText("text of a host"))])
  }

  func pointers(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    await probe.expectRecords(
      resolver, probe.name("1.2.0.192"), .ptr, [.pointer(probe.name("host")), .pointer(probe.name("mail"))])
  }

  func certificates(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    func certificate(_ usage: UInt8, _ selector: UInt8, _ type: UInt8, _ octet: UInt8, _ count: Int) -> DNSRecord {
      let data = Array(repeating: octet, count: count)
      return .certificate(TLSARecord(usage: usage, selector: selector, matchingType: type, data: data))
    }
    await probe.expectRecords(
      resolver, probe.name("_25._tcp.host"), .tlsa,
      [
        certificate(3, 1, 1, 0x0A, 32), certificate(2, 0, 2, 0xFF, 64), certificate(255, 255, 255, 0, 1),
        certificate(3, 0, 0, 0xC3, 1500),
      ])
  }

  func largeAnswers(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    let strings = (0..<16).map { Array(Self.letters($0).utf8) }
    await probe.expectRecords(resolver, probe.name("large"), .txt, [.text(DNSText(strings: strings))])
    let many = (1...100).flatMap { probe.addresses("198.51.100.\($0)") }
    await probe.expectRecords(resolver, probe.name("many"), .a, many)
  }

  func letterCase(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    let expected: [DNSRecord] = [.mailExchanger(preference: 10, host: probe.name("host"))]
    for prefix in ["case", "CASE", "cAsE", "\\067ase"] {
      await probe.expectRecords(resolver, probe.name(prefix), .mx, expected)
    }
    await probe.expectRecords(resolver, probe.name("HOST"), .aaaa, probe.addresses("2001:db8::1"))
  }

  func unusualNames(_ resolver: any DNSResolver, _ probe: inout ResolverProbe) async {
    await probe.expectRecords(resolver, probe.name("a\\.b"), .a, probe.addresses("192.0.2.5"))
    await probe.expectOutcome(resolver, probe.name("a.b"), .a, .noSuchName)
    await probe.expectRecords(resolver, probe.name("\\000\\032\\255\\064"), .a, probe.addresses("192.0.2.6"))
    await probe.expectRecords(resolver, probe.name(Self.longestPrefix), .a, probe.addresses("192.0.2.7"))
  }
}
