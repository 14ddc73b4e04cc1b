import AccessControl
import Foundation
import MailModel

/// An instance's zones and rules as one JSON text.
struct AccessPolicyDocument: Codable {
  private struct Zone: Codable {
    var id: String
    var name: String
    var summary: String
    var addresses: [String]
    var excluded: [String]
  }
  private struct Rule: Codable {
    var id: String
    var summary: String
    var enforcement: String
    var contexts: [Context]
  }
  private struct Context: Codable {
    var zones: [String]?
    var endpointTypes: [String]?
  }

  private var zones: [Zone]
  private var rules: [Rule]

  init(_ policy: AccessPolicy) {
    zones = policy.zones.map {
      Zone(
        id: $0.id, name: $0.name, summary: $0.summary, addresses: $0.addresses.map(\.description),
        excluded: $0.excluded.map(\.description))
    }
    rules = policy.rules.map { rule in
      Rule(
        id: rule.id, summary: rule.summary, enforcement: rule.enforcement.rawValue,
        contexts: rule.contexts.map {
          Context(zones: $0.zoneIDs, endpointTypes: $0.endpointTypes?.map(\.rawValue).sorted())
        })
    }
  }

  init(encoded text: String) throws { self = try JSONDecoder().decode(Self.self, from: Data(text.utf8)) }

  func encoded() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  func policy() throws -> AccessPolicy {
    try AccessPolicy(
      zones: zones.map {
        try NetworkZone(
          id: $0.id, name: $0.name, summary: $0.summary, addresses: $0.addresses.map(Self.address),
          excluded: $0.excluded.map(Self.address))
      },
      rules: rules.map { rule in
        try AccessRule(
          id: rule.id, summary: rule.summary, contexts: rule.contexts.map(Self.context),
          enforcement: AccessRule.Enforcement(mode: rule.enforcement))
      })
  }

  private static func address(_ text: String) throws -> ZoneAddress {
    guard let address = ZoneAddress(text) else { throw StorageError(.damaged, "an address of a zone cannot be read") }
    return address
  }

  private static func context(_ context: Context) throws -> AccessContext {
    let types = try context.endpointTypes?.map { text in
      guard let type = EndpointType(rawValue: text) else {
        throw StorageError(.damaged, "an endpoint type of a rule cannot be read")
      }
      return type
    }
    return try AccessContext(zoneIDs: context.zones, endpointTypes: types.map(Set.init))
  }
}
