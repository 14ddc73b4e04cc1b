import Dispatch
import Foundation
import Testing

@testable import SMTPListener

private let openSSL = ["/usr/bin/openssl", "/usr/local/bin/openssl", "/opt/homebrew/bin/openssl"].first {
  FileManager.default.isExecutableFile(atPath: $0)
}

/// A client that is not ours.
@Suite(.timeLimit(.minutes(10)), .enabled(if: openSSL != nil, "openssl is not installed")) struct OpenSSLTests {
  @Test(arguments: [["-tls1_2"], ["-tls1_3"], []]) func aMessageGoesInByHand(version: [String]) async throws {
    let policy = TestPolicy()
    try await withServer(policy: policy) { server in
      let lines = [
        "AUTH PLAIN AHVzZXIAc2VjcmV0", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.org>", "DATA", "Subject: x", "",
        ".", "QUIT",
      ]
      let output = try await Self.sClient(
        ["-quiet", "-crlf", "-starttls", "smtp", "-connect", "\(server.address)"] + version, typing: lines)
      #expect(output.contains("250 2.0.0 Ok: 14 octets"))
      #expect(output.hasSuffix("221 2.0.0 Bye\r\n"))
    }
  }

  @Test(arguments: ["-tls1", "-tls1_1"]) func olderTLSIsRefused(version: String) async throws {
    let policy = TestPolicy()
    try await withServer(policy: policy) { server in
      let output = try await Self.sClient(
        ["-starttls", "smtp", "-cipher", "ALL:@SECLEVEL=0", "-connect", "\(server.address)", version], typing: [])
      #expect(output.contains("New, (NONE)"))
    }
    #expect(!policy.log.events.contains { $0.hasPrefix("mechanisms") })
  }

  private static func sClient(_ arguments: [String], typing lines: [String]) async throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(openSSL))
    process.arguments = ["s_client"] + arguments
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    try input.fileHandleForWriting.write(contentsOf: Data(lines.map { $0 + "\n" }.joined().utf8))
    if lines.isEmpty { try input.fileHandleForWriting.close() }
    let reader = output.fileHandleForReading
    return try await withCheckedThrowingContinuation { continuation in
      // Blocks until the server has ended the connection and openssl itself.
      DispatchQueue.global().async {
        continuation.resume(with: Result { String(decoding: try reader.readToEnd() ?? Data(), as: UTF8.self) })
      }
    }
  }
}
