/// What the owner of a domain says of an address that sends in its name (RFC 7208 §2.6).
public enum SPFResult: String, Hashable, Sendable, CaseIterable {
  /// The address is authorised.
  case pass
  /// The address is not authorised.
  case fail
  /// The address is probably not authorised: something between `fail` and `neutral`.
  case softfail
  /// The owner says that he says nothing.
  case neutral
  /// There is no domain that could be checked, or it has no record.
  case none
  /// What the domain publishes cannot be understood, or asks for more work than is allowed. Somebody must mend it.
  case permerror
  /// The DNS does not answer. Later it may.
  case temperror
}
