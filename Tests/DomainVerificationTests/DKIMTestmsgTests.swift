import Foundation
import MailModel
import PeerTesting
import Testing

@testable import DomainVerification

/// `opendkim-testmsg` verifies what we sign. It asks whoever /etc/resolv.conf names, on port 53: so it runs in a network and
/// with a resolv.conf of its own, beside a real name server with our keys.
@Suite struct DKIMTestmsgTests {
  @Test(.needs(.opendkimTestmsg, .nsd, .unshare, .ip, .mount))
  func verifiesOurs() async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var expected: [String] = []
    for (number, (form, algorithm)) in DKIMPeerTests.cases.enumerated() {
      let domain = try DKIMTestDomain([algorithm]) { $0.canonicalization = form }
      let message = try await domain.sign(DKIMTest.plain)
      try write(message, "\(folder)/\(number)-good.eml")
      try write(message + Array("PS\r\n".utf8), "\(folder)/\(number)-other.eml")
      expected += ["\(number)-good 0", "\(number)-other 70"]  // EX_SOFTWARE is its word for a bad signature
    }
    try writeServer(in: folder)
    let unshare = try #require(Peer.unshare.path)
    let result = try await run(unshare, ["--net", "--mount", "bash", "-c", Self.script, "bash", folder])
    #expect(
      result.output.split(separator: "\n").filter { $0.hasPrefix("= ") }.map { $0.dropFirst(2) }.map(String.init)
        == expected, "\(result)")
  }

  private static let script = """
    cd "$1" && ip link set lo up && mount --bind resolv.conf /etc/resolv.conf || exit 1
    nsd -d -c nsd.conf & server=$!
    for _ in $(seq 200); do grep -qs started log && break; sleep 0.05; done
    for message in $(ls *.eml | sort -n); do
      timeout 20 opendkim-testmsg < $message
      echo "= ${message%.eml} $?"
    done
    kill -9 $server $(cat nsd.pid)
    """

  private func writeServer(in folder: String) throws {
    var zone = """
      $ORIGIN example.com.
      $TTL 300
      @ SOA ns.example.com. hostmaster.example.com. 1 60 60 60 60
      @ NS ns.example.com.
      ns A 127.0.0.1

      """
    for algorithm in DKIMAlgorithm.allCases {
      let name = "\(DKIMTestDomain.selector(algorithm))._domainkey"
      let strings = DNSStrings.quoted(try DKIMTestKey.of(algorithm).record)
      zone += "\(name) TXT \(strings)\n"
    }
    try write(Array(zone.utf8), "\(folder)/zone")
    try write(Array("nameserver 127.0.0.1\n".utf8), "\(folder)/resolv.conf")
    let configuration = """
      server:
        ip-address: 127.0.0.1
        port: 53
        zonesdir: "\(folder)"
        database: ""
        pidfile: "\(folder)/nsd.pid"
        xfrdfile: "\(folder)/xfrd"
        zonelistfile: "\(folder)/zonelist"
        username: ""
        logfile: "\(folder)/log"
        server-count: 1
      remote-control:
        control-enable: no
      zone:
        name: "example.com"
        zonefile: "\(folder)/zone"

      """
    try write(Array(configuration.utf8), "\(folder)/nsd.conf")
  }

  private func write(_ octets: [UInt8], _ path: String) throws { try Data(octets).write(to: URL(filePath: path)) }
}

/// A text as the strings of a TXT record in a master file.
private enum DNSStrings {
  static func quoted(_ text: String) -> String {
    stride(from: 0, to: text.count, by: 200).map { "\"\(text.dropFirst($0).prefix(200))\"" }.joined(separator: " ")
  }
}
