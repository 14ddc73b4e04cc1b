import ArgumentParser
import Foundation
import MailModel

/// A message from a file, with CRLF at the end of each line.
struct MessageFile {
  /// The most octets that are read: 64 MiB.
  private static let largestCount = 64 << 20

  let header: HeaderSection
  /// Whether the header section ends at a line that is no field, in place of an empty line.
  let isHeaderCut: Bool
  let body: [UInt8]

  init(_ path: String) throws {
    let handle: FileHandle
    do {
      handle = path == "-" ? .standardInput : try FileHandle(forReadingFrom: URL(filePath: path))
    } catch {
      throw ValidationError("'\(path)' cannot be read: \(error.localizedDescription)")
    }
    let octets = Array(try handle.read(upToCount: Self.largestCount + 1) ?? Data())
    guard octets.count <= Self.largestCount else { throw ValidationError("'\(path)' is larger than 64 MiB.") }
    let message = Self.withLineEnds(octets)
    var scanner = HeaderScanner()
    let end = scanner.scan(message.span) ?? scanner.end(ofMessage: message.count)
    header = HeaderSection(Array(message[..<end.header]))
    isHeaderCut = end.header == end.body && end.body < message.count
    body = Array(message[end.body...])
  }

  /// Files of this system end their lines with LF; a message on the wire ends them with CRLF. Where every LF has its CR nothing
  /// is changed.
  private static func withLineEnds(_ octets: [UInt8]) -> [UInt8] {
    var message: [UInt8] = []
    message.reserveCapacity(octets.count + octets.count / 16)
    var last: UInt8 = 0
    for octet in octets {
      if octet == 0x0A, last != 0x0D { message.append(0x0D) }
      message.append(octet)
      last = octet
    }
    return message
  }
}
