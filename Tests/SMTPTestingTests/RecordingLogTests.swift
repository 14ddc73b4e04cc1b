import Logging
import SMTPTesting
import Testing

struct RecordingLogTests {
  @Test func keepsWhatIsLoggedInItsOrder() {
    let log = RecordingLog()
    log.logger.info("Message queued", metadata: ["queue-id": "1", "recipients": ["a", "b"]])
    log.logger.trace("Connected")
    log.logger.info("Message queued")
    #expect(log.lines.map(\.message) == ["Message queued", "Connected", "Message queued"])
    #expect(log.lines.map(\.level) == [.info, .trace, .info])
    #expect(log.lines("Message queued").count == 2 && log.lines("Message").isEmpty)
    #expect(log.count(.info) == 2 && log.count(.debug) == 0)
    let first = log.lines.first
    #expect(first?["queue-id"] == "1" && first?["size"] == nil)
    #expect(first?.metadata == ["queue-id": "1", "recipients": ["a", "b"]])
    #expect(first?.text.hasPrefix("Message queued [") == true)
  }

  @Test(arguments: zip([Logger.Level.debug, .info, .notice], [2, 1, 0]))
  func keepsNothingBelowItsLevel(level: Logger.Level, count: Int) {
    let log = RecordingLog(level: level)
    log.logger.debug("Connected")
    log.logger.info("Message queued")
    #expect(log.lines.count == count)
  }

  @Test func aLinesOwnMetadataCoversThatOfTheLogger() {
    let log = RecordingLog()
    var logger = log.logger
    logger[metadataKey: "client"] = "192.0.2.1"
    logger[metadataKey: "tenant"] = "one"
    logger.info("Message queued", metadata: ["tenant": "two"])
    #expect(log.lines.map(\.metadata) == [["client": "192.0.2.1", "tenant": "two"]])
  }
}
