import DeliveryQueue
import Logging
import MailModel

/// What every intake of a service shares.
struct IntakeEnvironment: Sendable {
  let hostName: DomainName
  let hidesClientAddress: Bool
  let limits: IntakeLimits
  let memory: MemoryBudget
  let queue: any QueueStore
  let delivery: DeliveryService?
  let time: any TimeSource
  let logger: Logger
  let addressesInLog: AddressDisplay
  let metrics: IntakeMetrics
}
