import ArgumentParser
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
    let octets = try Parse.octets(ofFile: path, atMost: Self.largestCount)
    let message = Self.withLineEnds(Self.withoutMark(octets[...]))
    var scanner = HeaderScanner()
    let end = scanner.scan(message.span) ?? scanner.end(ofMessage: message.count)
    header = HeaderSection(Array(message[..<end.header]))
    guard !header.fields.isEmpty else {
      throw ValidationError("'\(path)' holds no message: it does not begin with a header field.")
    }
    isHeaderCut = end.header == end.body && end.body < message.count
    body = Array(message[end.body...])
  }

  /// What programs that keep messages in files put before them is no part of them: a byte order mark, the line `From …` of an mbox.
  private static func withoutMark(_ octets: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let octets = octets.starts(with: [0xEF, 0xBB, 0xBF]) ? octets.dropFirst(3) : octets
    return octets.starts(with: "From ".utf8) ? octets.drop { $0 != 0x0A }.dropFirst() : octets
  }

  /// Files of this system end their lines with LF; a message on the wire ends them with CRLF. Where every LF has its CR nothing
  /// is changed.
  private static func withLineEnds(_ octets: ArraySlice<UInt8>) -> [UInt8] {
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
