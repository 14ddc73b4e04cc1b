import ArgumentParser
import DeliveryQueue
import DomainVerification
import Foundation
import LibCrypto
import MailModel
import SQLiteStorage
import SystemDNS

/// What people type, and clear words where it is not what was asked for.
enum Parse {
  static func queueID(_ text: String) throws -> QueueID {
    guard let id = QueueID(text) else {
      throw ValidationError("'\(text)' is not a queue ID: 26 letters and digits, as in the server's reply.")
    }
    return id
  }

  static func destination(_ text: String) throws -> Mailbox.Host {
    guard let host = Mailbox("postmaster@\(text)")?.host else {
      throw ValidationError("'\(text)' is neither a domain nor an address in brackets.")
    }
    return host
  }

  /// With a dot at its end, as in a zone file, or without.
  static func domain(_ text: String) throws -> DomainName {
    guard let domain = DomainName(text.hasSuffix(".") ? String(text.dropLast()) : text), IPAddress(text) == nil else {
      throw ValidationError("'\(text)' is no domain name.")
    }
    return domain
  }

  static func selector(_ text: String) throws -> DKIMSelector {
    guard let selector = DKIMSelector(text) else { throw ValidationError("'\(text)' is no selector of a DKIM key.") }
    return selector
  }

  /// A public key in PEM, or the public half of a private one.
  static func verifyingKey(_ path: String) throws -> VerifyingKey {
    let pem = try octets(ofFile: path, atMost: 1 << 20)
    do {
      if let key = try publicKey(pem) { return key }
      return try SigningKey(pem: pem.span).verifyingKey
    } catch {
      throw ValidationError("'\(path)' holds no key: \(error.message)")
    }
  }

  private static func publicKey(_ pem: [UInt8]) throws(CryptoError) -> VerifyingKey? {
    let parts = String(decoding: pem, as: UTF8.self).split(separator: "-----", omittingEmptySubsequences: false)
    guard let begin = parts.firstIndex(of: "BEGIN PUBLIC KEY"), begin + 1 < parts.count,
      let octets = Data(base64Encoded: String(parts[begin + 1]), options: .ignoreUnknownCharacters)
    else { return nil }
    return try VerifyingKey(subjectPublicKeyInfo: Array(octets).span)
  }

  /// What a file holds; `-` is the standard input.
  static func octets(ofFile path: String, atMost limit: Int) throws -> [UInt8] {
    var isDirectory: ObjCBool = false
    guard !path.isEmpty else { throw ValidationError("the name of a file is missing.") }
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
      throw ValidationError("'\(path)' cannot be read: it is a directory.")
    }
    let handle: FileHandle
    do {
      handle = path == "-" ? .standardInput : try FileHandle(forReadingFrom: URL(filePath: path))
    } catch {
      throw ValidationError("'\(path)' cannot be read: \(error.localizedDescription)")
    }
    let octets: [UInt8]
    do { octets = Array(try handle.read(upToCount: limit + 1) ?? Data()) } catch {
      throw ValidationError("'\(path)' cannot be read.")  // the error has a number, and no words
    }
    guard octets.count <= limit else { throw ValidationError("'\(path)' is larger than \(limit >> 20) MiB.") }
    return octets
  }

  /// What somebody calls himself, in MAIL FROM or HELO. A check takes it as it is; what no mail server would take is a mistake.
  static func identity(_ text: String) throws -> String {
    // What is not UTF-8 comes here with U+FFFD in it.
    guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control || $0 == "\u{FFFD}" }) else {
      throw ValidationError("\(text.debugDescription) holds control characters, or is not UTF-8.")
    }
    return text
  }

  /// A sender as in MAIL FROM.
  static func sender(_ text: String) throws -> String {
    guard !text.hasSuffix("@"), !text.hasSuffix("@>") else {
      throw ValidationError("'\(text)' has no domain behind its @.")
    }
    return try identity(text)
  }

  static func address(_ text: String) throws -> IPAddress {
    guard let address = IPAddress(text) else {
      throw ValidationError("'\(text)' is neither an IPv4 nor an IPv6 address.")
    }
    return address
  }

  static func nameServer(_ text: String) throws -> SystemResolver.NameServer {
    guard let server = SystemResolver.NameServer(text.hasSuffix("]") ? text + ":53" : text) else {
      throw ValidationError("'\(text)' is no name server: an address, such as 192.0.2.1, 127.0.0.1:5353 or [::1]:5353.")
    }
    return server
  }

  /// `pass=example.com`, with a word of RFC 8601 §2.7.2.
  static func spfResult(_ text: String) throws -> DMARCIdentifier {
    try identifier(.spf, text, words: SPFResult.allCases.map(\.rawValue) + ["policy"])
  }

  /// The same, with a word of RFC 8601 §2.7.1.
  static func dkimResult(_ text: String) throws -> DMARCIdentifier {
    try identifier(.dkim, text, words: DKIMResult.allCases.map(\.rawValue))
  }

  private static func identifier(
    _ method: DMARCIdentifier.Method, _ text: String, words: [String]
  ) throws -> DMARCIdentifier {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw ValidationError("'\(text)' is no result and domain, such as pass=example.com.")
    }
    guard words.contains(parts[0].lowercased()) else {
      let method = method.rawValue.uppercased()
      throw ValidationError("'\(parts[0])' is no result of \(method): \(words.joined(separator: ", ")).")
    }
    return DMARCIdentifier(method, parts[0].lowercased(), try domain(parts[1]))
  }

  static func publicSuffixList(_ path: String) throws -> PublicSuffixList {
    let octets = try octets(ofFile: path, atMost: 64 << 20)
    do { return try PublicSuffixList(octets) } catch {
      throw ValidationError("'\(path)' is no list of public suffixes: \(error)")
    }
  }

  static func state(_ text: String) throws -> RecipientState {
    guard let state = RecipientState(rawValue: text) else {
      let states = RecipientState.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("'\(text)' is no state: \(states).")
    }
    return state
  }

  static func reason(_ text: String) throws -> String {
    guard text.contains(where: { !$0.isWhitespace }) else { throw ValidationError("a reason has words in it.") }
    return text
  }

  /// `5%`, `2GiB`, `1000000`.
  static func diskFloor(_ text: String) throws -> DiskFloor {
    if text.hasSuffix("%"), let percent = Double(text.dropLast()), (0...100).contains(percent) {
      return .share(percent / 100)
    }
    let units = ["": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40]
    let number = text.prefix { $0.isASCII && $0.isNumber }
    if let unit = units[String(text[number.endIndex...])], let count = Int(number) {
      let (octets, isTooLarge) = count.multipliedReportingOverflow(by: unit)
      if !isTooLarge { return .octets(octets) }
    }
    throw ValidationError("'\(text)' is no share such as 5%, and no number of octets such as 1000000 or 2GiB.")
  }
}
