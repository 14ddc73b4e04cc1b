import MailModel
import SMTPProtocol

/// Drives a ``SMTPProtocol/ClientSession`` as its documentation asks, with transactions that were decided beforehand, and
/// looks at every octet that it writes.
final class ClientDriver {
  /// A transaction, and its content in the pieces that the session is given.
  struct Job {
    var transaction: ClientTransaction
    var pieces: [[UInt8]]
    /// Whether each chunk is answered before the next piece is given.
    var readsBetweenChunks = false

    var content: [UInt8] { Array(pieces.joined()) }
  }

  private(set) var trace = Trace<String>()
  private(set) var isOver = false
  private(set) var failure: ClientFailure?
  /// Lines that were said outside content.
  private(set) var commands = 0
  /// For each transaction that came to its end, or to the session's.
  private(set) var outcomes: [[ClientOutcome]] = []

  private var session: ClientSession
  private let configuration: ClientConfiguration
  private var jobs: ArraySlice<Job>
  private var current: Job?
  private var isSecured = false
  private var mayUseUTF8 = false
  /// Whether the content of the transaction goes by DATA, not by BDAT.
  private var usesData = false
  /// What was written for the content so far.
  private var contentOutput: [UInt8] = []
  /// Pieces that wait for the reply to the chunk before them.
  private var heldBack: ArraySlice<[UInt8]>?
  private var output: [UInt8] = []
  private var unsent: [UInt8] = []
  private var stream: [UInt8] = []
  private var position = 0
  private var steps = 0
  private var now = MonotonicInstant(nanoseconds: 3_600_000_000_000)

  init(_ configuration: ClientConfiguration, _ jobs: [Job]) {
    session = ClientSession(configuration: configuration)
    (self.configuration, self.jobs) = (configuration, jobs[...])
    perform(session.start(at: now))
  }

  /// What is to be sent since somebody took it.
  func takeOutput() -> [UInt8] {
    defer { unsent = [] }
    return unsent
  }

  /// The server sends octets, all of which the session sees before this returns.
  func feed(_ octets: some Sequence<UInt8>) {
    stream.append(contentsOf: octets)
    while !isOver {
      now = now.advanced(by: .milliseconds(1))
      let shown = stream.count - position
      let step = session.receive(stream.span.extracting(position...), at: now, output: &output)
      require((0...shown).contains(step.consumed), "consumed what was not shown")
      position += step.consumed
      steps += 1
      require(steps <= 4 * stream.count + 64, "the session does not get on")
      noteCommands()
      if case .read = step.action {
        guard step.consumed > 0, let rest = heldBack else { break }
        sendContent(rest)
      } else {
        perform(step.action)
      }
    }
    if !isOver {
      require(stream.count - position <= configuration.limits.replyLine, "asks for more than a line at once")
    }
  }

  /// The server has gone.
  func lose() {
    guard !isOver else { return }
    perform(session.fail(.connectionLost("it is gone")))
    require(isOver, "the connection is lost and the session goes on")
  }

  /// The server says nothing until the session's own time is up.
  func waitUntilTimeIsUp() {
    guard !isOver else { return }
    guard let deadline = session.nextDeadline else { fatalError("waits for ever") }
    require(session.expire(at: deadline.advanced(by: .nanoseconds(-1))) == .read, "time was up too early")
    perform(session.expire(at: deadline))
    require(isOver, "time was up and the session goes on")
  }

  private func perform(_ action: ClientAction) {
    noteCommands()
    switch action {
    case .read: break
    case .startTLS:
      require(!isSecured, "TLS within TLS")
      require(position == stream.count, "TLS begins with octets in clear behind the reply")
      trace.add(.mark("TLS"))
      isSecured = true
      perform(session.tlsStarted(at: now, output: &output))
    case .ready: next()
    case .sendContent: sendContent((current?.pieces ?? [])[...])
    case .finished(let outcomes):
      finish(outcomes)
      next()
    case .failed(let failure, let outcomes):
      self.failure = failure
      if current != nil { finish(outcomes) } else { require(outcomes.isEmpty, "outcomes of no transaction") }
      end()
      trace.add(.mark("failed: \(failure)"))
    case .close:
      require(current == nil, "closes within a transaction")
      end()
      trace.add(.mark("close"))
    @unknown default: fatalError("an action that nobody here knows")
    }
  }

  private func next() {
    guard let job = jobs.popFirst() else { return perform(session.quit(at: now, output: &output)) }
    current = job
    mayUseUTF8 = job.transaction.envelope.isInternationalized
    perform(session.begin(job.transaction, at: now, output: &output))
  }

  private func finish(_ outcomes: [ClientOutcome]) {
    require(outcomes.count == current?.transaction.envelope.recipients.count, "not one outcome for each recipient")
    self.outcomes.append(outcomes)
    trace.add(.mark("\(outcomes)"))
    (current, mayUseUTF8, usesData) = (nil, false, false)
    (contentOutput, heldBack) = ([], nil)
  }

  private func end() {
    isOver = true
    require(session.nextDeadline == nil, "is over and has a deadline")
    let late = Array("220 late\r\n".utf8)
    require(session.receive(late.span, at: now, output: &output).action == .close, "is over and goes on")
    require(session.fail(.timeout) == .close, "fails twice")
    require(output.isEmpty, "says something after the end")
  }

  private func sendContent(_ pieces: ArraySlice<[UInt8]>) {
    guard let job = current else { fatalError("content of no transaction") }
    heldBack = nil
    var action = ClientAction.read
    for index in pieces.indices {
      let piece = pieces[index]
      action = session.writeContent(piece.span, at: now, output: &output)
      let isChunk = !usesData && !output.isEmpty
      takeContent()
      guard case .read = action else { break }
      if job.readsBetweenChunks, isChunk {
        heldBack = pieces[(index + 1)...]
        return
      }
    }
    let isWritten = action == .read
    if isWritten {
      action = session.finishContent(at: now, output: &output)
      takeContent()
    }
    // Where it is over before the server has answered the end, a chunk was refused, and the end is not sent.
    noteContent(of: job, isFinished: isWritten && action == .read)
    perform(action)
  }

  private func takeContent() {
    contentOutput += output
    send()
  }

  /// Commands are lines of visible text. Nothing else is said outside content.
  private func noteCommands() {
    guard !output.isEmpty else { return }
    require(output.last == 0x0A, "half a command")
    for line in output.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() {
      require(line.last == 0x0D, "a command does not end in CRLF")
      let command = line.dropLast()
      commands += 1
      require(command.count <= 12_286, "a command is too long")
      require(
        command.allSatisfy { (0x20...0x7E).contains($0) || $0 >= 0x80 && mayUseUTF8 },
        "a command holds more than visible text")
      require(
        isSecured && configuration.security != .opportunistic || configuration.allowsAuthenticationWithoutTLS
          || !command.starts(with: "AUTH ".utf8),
        "credentials in clear")
      if command.elementsEqual("DATA".utf8) { usesData = true }
    }
    send()
  }

  /// What is written for the content is the content, and ends where it ends.
  private func noteContent(of job: Job, isFinished: Bool) {
    let lines = ReferenceContent.lines(of: job.content[...])
    if !usesData, !contentOutput.isEmpty {
      let (content, isLast) = Self.unchunked(contentOutput)
      require(isLast == isFinished, "the last chunk at the wrong time")
      if isFinished { require(content == lines.map(Self.joined), "the chunks hold something else") }
    } else if isFinished && !contentOutput.isEmpty {
      require(ReferenceContent.end(of: contentOutput) == contentOutput.count, "content does not end at its end")
      let sent = ReferenceContent.lines(ofWire: contentOutput.dropLast(3))
      require(lines != nil && sent.map(Self.joined) == lines.map(Self.joined), "the content came out as something else")
    } else {
      require(ReferenceContent.end(of: contentOutput) == nil, "unsendable content ends")
    }
  }

  private func send() {
    unsent += output
    trace.addOctets(output)
    output = []
  }

  private static func joined(_ lines: [ArraySlice<UInt8>]) -> [UInt8] {
    Array(lines.map { $0 + [0x0D, 0x0A] }.joined())
  }

  /// The content of whole chunks, and whether one is the last.
  private static func unchunked(_ wire: [UInt8]) -> (content: [UInt8], isLast: Bool) {
    var content: [UInt8] = []
    var rest = wire[...]
    while !rest.isEmpty {
      guard let end = rest.firstIndex(of: 0x0A) else { fatalError("half a BDAT") }
      let words = String(decoding: rest[..<end].dropLast(), as: UTF8.self).split(separator: " ")
      guard words.first == "BDAT", words.count >= 2, let size = Int(words[1]), rest.endIndex - end - 1 >= size else {
        fatalError("BDAT announces other octets than follow")
      }
      content += rest[(end + 1)..<(end + 1 + size)]
      rest = rest[(end + 1 + size)...]
      if words.count == 3 {
        require(words[2] == "LAST" && rest.isEmpty, "something behind the last chunk")
        return (content, true)
      }
    }
    return (content, false)
  }
}

extension Envelope {
  /// Whether its sender asks for SMTPUTF8, in so many words or by an address.
  fileprivate var isInternationalized: Bool {
    let texts = ["\(reversePath)"] + recipients.map { "\($0.path)" }
    return parameters.isInternationalized || texts.contains { $0.utf8.contains { $0 >= 0x80 } }
  }
}
