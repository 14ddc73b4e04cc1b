package import Testing
import Foundation

/// A program that the tests speak with, and that they did not write.
package enum Peer: String, CaseIterable {
  case openssl, swaks, msmtp, curl, python3, strace, mount, umount, nsd, unshare, ip
  case opendkimTestmsg = "opendkim-testmsg"
  case dkimsign, dkimverify, dknewkey
  case opendkimGenkey = "opendkim-genkey"
  case mkfsExt4 = "mkfs.ext4"
  case smtpSink = "smtp-sink"

  package var path: String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    return (folders + ["/usr/sbin", "/usr/bin"]).map { "\($0)/\(rawValue)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}

extension Trait where Self == ConditionTrait {
  /// Runs a test only where its peers are installed; otherwise says which are not.
  package static func needs(_ peers: Peer...) -> Self {
    let missing = peers.filter { $0.path == nil }.map(\.rawValue)
    return .enabled(if: missing.isEmpty, "\(missing.joined(separator: ", ")) not installed")
  }
}
