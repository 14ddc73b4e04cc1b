/// A username as a client sends it: not empty, within its limit, well-formed UTF-8 without control characters, which
/// RFC 4616 §2 lets no name contain (RFC 4013 §2.3). Kept octet for octet, without normalisation.
struct Username: Sendable {
  let text: String

  init?(_ octets: ArraySlice<UInt8>, limits: AuthenticationLimits) {
    guard (1...limits.usernameOctets).contains(octets.count), !octets.containsControl,
      let text = String(validating: octets, as: UTF8.self)
    else { return nil }
    self.text = text
  }
}

/// A password as a client sends it, by the same rules.
struct Password: Sendable, CustomStringConvertible, CustomReflectable {
  let octets: [UInt8]

  init?(_ octets: ArraySlice<UInt8>, limits: AuthenticationLimits) {
    guard (1...limits.passwordOctets).contains(octets.count), !octets.containsControl,
      String(validating: octets, as: UTF8.self) != nil
    else { return nil }
    self.octets = Array(octets)
  }

  var description: String { "Password" }
  var customMirror: Mirror { .concealing(self) }
}

extension ArraySlice<UInt8> {
  fileprivate var containsControl: Bool { contains { $0 < 0x20 || $0 == 0x7F } }
}
