import AccessControl
import MailModel
import Testing

func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text), "\(text)") }

func zone(
  _ id: String, _ addresses: [String], excluded: [String] = [], limits: AccessControlLimits = AccessControlLimits()
) throws -> NetworkZone {
  try NetworkZone(
    id: id, name: "Zone \(id)", addresses: addresses.map { try #require(ZoneAddress($0), "\($0)") },
    excluded: excluded.map { try #require(ZoneAddress($0), "\($0)") }, limits: limits)
}

func rule(
  _ id: String = "rule", _ contexts: AccessContext..., enforcement: AccessRule.Enforcement = .enabled
) throws -> AccessRule {
  try AccessRule(id: id, contexts: contexts, enforcement: enforcement)
}

extension AccessPolicy {
  func reason(_ text: String, _ endpointType: EndpointType = .public) throws -> AccessDecision.Reason? {
    evaluate(AccessRequest(address: try address(text), endpointType: endpointType)).findings.first?.reason
  }

  func allows(_ text: String, _ endpointType: EndpointType = .public) throws -> Bool {
    evaluate(AccessRequest(address: try address(text), endpointType: endpointType)).isAllowed
  }
}

func code(_ body: () throws -> Void) -> AccessControlError.Code? {
  do {
    try body()
    return nil
  } catch {
    return (error as? AccessControlError)?.code
  }
}
