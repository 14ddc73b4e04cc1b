import Synchronization

/// Keeps credentials in memory: the reference of what a ``CredentialSource`` does.
public final class InMemoryCredentialSource: CredentialSource {
  private struct State: Sendable {
    // By octets, since equal strings need not be the same octets.
    var credentials: [[UInt8]: [Credential]] = [:]
    var slowVerifiers = 0
  }
  private let state = Mutex(State())

  /// A source without credentials.
  public init() {}

  /// Puts `credentials` in the place of those that `username` had; an empty array takes them away.
  public func set(_ credentials: [Credential], for username: String) {
    state.withLock { state in
      let old = state.credentials.updateValue(credentials, forKey: Array(username.utf8)) ?? []
      if credentials.isEmpty { state.credentials[Array(username.utf8)] = nil }
      state.slowVerifiers += credentials.count(where: \.verifier.isSlow) - old.count(where: \.verifier.isSlow)
    }
  }

  /// What is known of a username.
  public func lookup(_ username: String) async throws -> CredentialLookup {
    state.withLock { state in
      CredentialLookup(
        credentials: state.credentials[Array(username.utf8)] ?? [], slowVerifiersExist: state.slowVerifiers > 0)
    }
  }
}
