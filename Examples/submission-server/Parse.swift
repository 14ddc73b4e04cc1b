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

  static func domain(_ text: String) throws -> DomainName {
    guard let domain = DomainName(text) else { throw ValidationError("'\(text)' is no domain name.") }
    return domain
  }

  static func selector(_ text: String) throws -> DKIMSelector {
    guard let selector = DKIMSelector(text) else { throw ValidationError("'\(text)' is no selector of a DKIM key.") }
    return selector
  }

  /// The public half of a private key in PEM.
  static func verifyingKey(_ path: String) throws -> VerifyingKey {
    do {
      let pem = Array(try Data(contentsOf: URL(filePath: path)))
      return try SigningKey(pem: pem.span).verifyingKey
    } catch let error as CryptoError {
      throw ValidationError("'\(path)' holds no key that can sign: \(error.message)")
    } catch {
      throw ValidationError("'\(path)' cannot be read: \(error.localizedDescription)")
    }
  }

  static func address(_ text: String) throws -> IPAddress {
    guard let address = IPAddress(text) else {
      throw ValidationError("'\(text)' is neither an IPv4 nor an IPv6 address.")
    }
    return address
  }

  static func nameServer(_ text: String) throws -> SystemResolver.NameServer {
    guard let server = SystemResolver.NameServer(text) else {
      throw ValidationError("'\(text)' is no name server: an address and a port, such as 127.0.0.1:53 or [::1]:53.")
    }
    return server
  }

  /// `pass=example.com`
  static func identifier(_ method: DMARCIdentifier.Method, _ text: String) throws -> DMARCIdentifier {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2, let domain = DomainName(parts[1]) else {
      throw ValidationError("'\(text)' is no result and domain, such as pass=example.com.")
    }
    return DMARCIdentifier(method, parts[0], domain)
  }

  static func publicSuffixList(_ path: String) throws -> PublicSuffixList {
    do {
      return try PublicSuffixList(Array(try Data(contentsOf: URL(filePath: path))))
    } catch let error as PublicSuffixListError {
      throw ValidationError("'\(path)' is no list of public suffixes: \(error)")
    } catch {
      throw ValidationError("'\(path)' cannot be read: \(error.localizedDescription)")
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
