import Foundation
import PeerTesting
import Testing

/// What the demo does where it is told to.
@Suite struct DemoOptionTests {
  @Test(.needs(.swaks), arguments: [false, true]) func addressesInTheLog(areShown: Bool) async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let server = try await DemoServer.start(data: folder + "/data", options: areShown ? ["--log-addresses"] : [])
    let id = try await send(to: server, subject: "test")
    try await eventually("delivered") { try await server.state(id) == "delivered" }
    try await server.stop()
    let log = try String(contentsOfFile: folder + "/data.log", encoding: .utf8)
    #expect(log.contains("recipient@example.org") == areShown)
    #expect(log.contains("r*c*p*e*t@example.org") == !areShown)
  }

  @Test(.needs(.swaks), arguments: [("100%", false), ("0", true), ("4KiB", true)])
  func aDiskFloor(text: String, isTaken: Bool) async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let server = try await DemoServer.start(data: folder + "/data", options: ["--disk-floor", text])
    let arguments = [
      "--server", "127.0.0.1", "--port", "\(server.announcement.port)", "--tls", "--auth", "PLAIN", "--auth-user",
      "username", "--auth-password", "password", "--from", "mailer@example.com", "--to", "recipient@example.org",
    ]
    let result = try await run(.swaks, arguments)
    #expect((result.status == 0) == isTaken)
    #expect(result.output.contains(isTaken ? "250 2.0.0 Ok: queued as " : " 452 4.3.1 "), "\(result.output)")
    try await server.stop()
  }

  @Test(arguments: ["5x", "-1%", "101%", "%", "1.5GiB", "9PiB", "99999999999GiB"])
  func aDiskFloorThatIsNone(text: String) async throws {
    let arguments = ["demo", "--data", "/nowhere", "--disk-floor=\(text)"]
    let result = try await run(try DemoServer.executable(), arguments)
    #expect(result.status == 64 && result.output.contains("'\(text)' is no share such as 5%"), "\(result.output)")
  }

  @Test(arguments: ["u1", "", "a\tname", String(repeating: "u", count: 251)])
  func aUsernameThatIsNone(username: String) async throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let arguments = ["demo", "--data", folder + "/data", "--username", username]
    let result = try await run(try DemoServer.executable(), arguments)
    #expect(result.status == 64 && result.output.contains("--username has 3 to 250 octets"), "\(result.output)")
    #expect(!FileManager.default.fileExists(atPath: folder + "/data"))
  }
}
