public import LibCrypto
import Synchronization

/// Finds out whether a username and a password belong together.
///
/// A username that nobody has costs what a wrong password costs: one keyed digest and, where the source holds slow
/// verifiers, one derivation by scrypt. It answers the same, too.
public final class Authenticator: Sendable {
  /// What it keeps to.
  public let limits: AuthenticationLimits

  private let source: any CredentialSource
  private let key: DeploymentKey
  private let slowParameters: ScryptParameters
  private let slowWork: SlowWork
  private let counts = Mutex(VerificationCounts())

  /// - Parameters:
  ///   - source: knows the users.
  ///   - key: the key under which the source's keyed digests were made.
  ///   - slowParameters: what the source's slow verifiers cost, which strangers then pay too; default
  ///     ``LibCrypto/ScryptParameters/standard``.
  ///   - limits: what to keep to.
  public init(
    source: any CredentialSource, key: DeploymentKey, slowParameters: ScryptParameters = .standard,
    limits: AuthenticationLimits = AuthenticationLimits()
  ) {
    (self.source, self.key, self.slowParameters, self.limits) = (source, key, slowParameters, limits)
    slowWork = SlowWork(threads: limits.slowVerifications, waiting: limits.waitingSlowVerifications)
  }

  /// How much it computed so far.
  package var verificationCounts: VerificationCounts { counts.withLock { $0 } }

  /// Success or failure; never a challenge.
  func authenticate(_ username: Username, _ password: Password) async -> SASLStep {
    do {
      let lookup = try await source.lookup(username.text)
      var identity = try identityByDigest(of: password, in: lookup.credentials)
      if identity == nil { identity = try await identityByDerivation(of: password, in: lookup) }
      return identity.map { .success(identity: $0) } ?? .failure(.invalidCredentials)
    } catch {
      return .failure(AuthenticationFailure(.temporarilyUnavailable, cause: error))
    }
  }

  /// One digest, however many credentials there are, none included.
  private func identityByDigest(
    of password: Password, in credentials: [Credential]
  ) throws(AuthenticationError) -> String? {
    counts.withLock { $0.digests += 1 }
    let digest: [UInt8]
    do {
      digest = try SecretVerifier.digest(of: password.octets, under: key)
    } catch {
      throw AuthenticationError(.cannotCompute, "the digest of a password failed", cause: error)
    }
    var identity: String?
    for credential in credentials {
      guard case .keyedDigest(let expected) = credential.verifier.kind else { continue }
      if constantTimeEqual(digest.span, expected.span), identity == nil { identity = credential.identity }
    }
    return identity
  }

  /// One derivation where slow verifiers exist, else none; so only the first slow credential is tried.
  private func identityByDerivation(
    of password: Password, in lookup: CredentialLookup
  ) async throws(AuthenticationError) -> String? {
    for credential in lookup.credentials {
      guard case .scrypt(let parameters, let salt, let expected) = credential.verifier.kind else { continue }
      let key = try await derive(password, salt: salt, parameters)
      return constantTimeEqual(key.span, expected.span) ? credential.identity : nil
    }
    if lookup.slowVerifiersExist { _ = try await derive(password, salt: Self.strangersSalt, slowParameters) }
    return nil
  }

  private static let strangersSalt = [UInt8](repeating: 0, count: SecretVerifier.saltCount)

  private func derive(
    _ password: Password, salt: [UInt8], _ parameters: ScryptParameters
  ) async throws(AuthenticationError) -> [UInt8] {
    let outcome = await slowWork.perform {
      self.counts.withLock { $0.derivations += 1 }
      do {
        return .success(try SecretVerifier.derive(password.octets, salt: salt, parameters))
      } catch {
        return .failure(AuthenticationError(.cannotCompute, "the derivation from a password failed", cause: error))
      }
    }
    return try outcome.get()
  }
}

/// How much an ``Authenticator`` computed.
package struct VerificationCounts: Hashable, Sendable {
  /// Keyed digests.
  package var digests = 0
  /// Derivations by scrypt.
  package var derivations = 0
}
