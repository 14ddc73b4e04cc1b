import MailModel

/// A command line (RFC 5321 §4.1.1), read once.
enum Command: Equatable {
  case hello(name: ClientName, isExtended: Bool)
  case startTLS
  case authenticate(mechanism: String, initialResponse: InitialResponse?)
  case mail(ReversePath, MailParameters)
  case recipient(RecipientArgument)
  case data
  /// BDAT (RFC 3030 §2): so many octets follow the line at once; a number too large to count is as good as the largest.
  case chunk(octets: Int, isLast: Bool)
  case reset, quit, noop, help, verify, expand
  /// A known verb with an argument that is none of its own.
  case malformed(SMTPReply, Verb)
  case unknown
  /// The first line of another protocol: HTTP, TLS, SSH, PROXY.
  case foreign

  /// What stands behind the mechanism's name.
  enum InitialResponse: Equatable {
    case octets([UInt8])
    case notBase64
  }

  enum Verb: Equatable {
    case hello, startTLS, authenticate, mail, recipient, data, chunk, reset, quit, noop, help, verify, expand

    init?(_ word: Span<UInt8>) {
      guard word.count == 4 else {
        guard word.equalsIgnoringCase("starttls") else { return nil }
        self = .startTLS
        return
      }
      var letters: UInt32 = 0
      for index in 0..<4 {
        guard word[index].isASCIILetter else { return nil }
        letters = letters << 8 | UInt32(word[index] & 0xDF)
      }
      switch letters {
      case 0x4548_4C4F, 0x4845_4C4F: self = .hello  // EHLO, HELO
      case 0x4155_5448: self = .authenticate
      case 0x4D41_494C: self = .mail
      case 0x5243_5054: self = .recipient
      case 0x4441_5441: self = .data
      case 0x4244_4154: self = .chunk
      case 0x5253_4554: self = .reset
      case 0x5155_4954: self = .quit
      case 0x4E4F_4F50: self = .noop
      case 0x4845_4C50: self = .help
      case 0x5652_4659: self = .verify
      case 0x4558_504E: self = .expand
      default: return nil
      }
    }
  }

  /// Reads a line without its CRLF. Blanks are spaces alone; a tab is a control character like any other.
  ///
  /// - Parameter acceptsPathWithoutBrackets: takes a plain dot-atom mailbox for a path.
  init(_ line: Span<UInt8>, acceptsPathWithoutBrackets: Bool) {
    var end = 0
    while end < line.count, line[end] != .space { end += 1 }
    guard let verb = Verb(line.extracting(0..<end)) else {
      if Self.mayAnnounceChunk(line), line.count >= 4 {
        self = .malformed(.chunkSyntax, .chunk)
      } else {
        self = ForeignProtocol.isLine(line) ? .foreign : .unknown
      }
      return
    }
    let argument = line.extracting(line.trimmed(from: end))
    var hasHighOctets = false
    for index in argument.indices {
      let octet = argument[index]
      guard octet >= 0x20, octet != 0x7F else {
        self = .malformed(.controlCharacters, verb)
        return
      }
      if octet >= 0x80 { hasHighOctets = true }
    }
    switch verb {
    case .hello: self = Self.hello(argument, isExtended: line[0] & 0xDF == UInt8(ascii: "E"))
    case .startTLS: self = argument.isEmpty ? .startTLS : .malformed(.startTLSSyntax, verb)
    case .authenticate: self = Self.authenticate(argument)
    case .mail: self = Self.mail(argument, needsSMTPUTF8: hasHighOctets, acceptsPathWithoutBrackets)
    case .recipient: self = Self.recipient(argument, needsSMTPUTF8: hasHighOctets, acceptsPathWithoutBrackets)
    case .data: self = argument.isEmpty ? .data : .malformed(.dataSyntax, verb)
    case .chunk: self = Self.chunk(argument)
    case .reset: self = argument.isEmpty ? .reset : .malformed(.resetSyntax, verb)
    case .quit: self = argument.isEmpty ? .quit : .malformed(.quitSyntax, verb)
    case .noop: self = .noop
    case .help: self = .help
    case .verify: self = Self.verify(argument, needsSMTPUTF8: hasHighOctets)
    case .expand: self = .expand
    }
  }

  /// Whether a line that begins so may be a BDAT, however badly written, whose octets somebody sends behind it: four letters
  /// with no letter behind them, or as many of them as are there.
  static func mayAnnounceChunk(_ start: Span<UInt8>) -> Bool {
    guard start.count >= 4 else {
      return switch start.count {
      case 0: true
      case 1: start.equalsIgnoringCase("b")
      case 2: start.equalsIgnoringCase("bd")
      default: start.equalsIgnoringCase("bda")
      }
    }
    return start.startsIgnoringCase("bdat") && (start.count == 4 || !start[4].isASCIILetter)
  }

  /// The verb of the line.
  var verb: Verb? {
    switch self {
    case .hello: .hello
    case .startTLS: .startTLS
    case .authenticate: .authenticate
    case .mail: .mail
    case .recipient: .recipient
    case .data: .data
    case .chunk: .chunk
    case .reset: .reset
    case .quit: .quit
    case .noop: .noop
    case .help: .help
    case .verify: .verify
    case .expand: .expand
    case .malformed(_, let verb): verb
    case .unknown, .foreign: nil
    }
  }
}

// The arguments, verb by verb.
extension Command {
  private static func hello(_ argument: Span<UInt8>, isExtended: Bool) -> Command {
    guard let name = ClientName(argument) else {
      return .malformed(isExtended ? .helloSyntax : .oldHelloSyntax, .hello)
    }
    return .hello(name: name, isExtended: isExtended)
  }

  private static func authenticate(_ argument: Span<UInt8>) -> Command {
    let nameEnd = argument.firstIndex(of: .space) ?? argument.count
    guard let mechanism = argument.extracting(0..<nameEnd).mechanismName() else {
      return .malformed(.authenticateSyntax, .authenticate)
    }
    let response = argument.extracting(argument.trimmed(from: nameEnd))
    guard !response.isEmpty else { return .authenticate(mechanism: mechanism, initialResponse: nil) }
    if response.count == 1, response[0] == UInt8(ascii: "=") {  // an empty one (RFC 4954 §4)
      return .authenticate(mechanism: mechanism, initialResponse: .octets([]))
    }
    let initial = Base64.decode(response).map { InitialResponse.octets($0) } ?? .notBase64
    return .authenticate(mechanism: mechanism, initialResponse: initial)
  }

  private static func mail(
    _ argument: Span<UInt8>, needsSMTPUTF8: Bool, _ acceptsPathWithoutBrackets: Bool
  ) -> Command {
    guard argument.startsIgnoringCase("from:") else { return .malformed(.mailSyntax, .mail) }
    let rest = argument.extracting(argument.trimmed(from: 5))
    guard let path = PathArgument(rest, acceptsPathWithoutBrackets) else {
      return .malformed(.badSenderAddress, .mail)
    }
    let inner = rest.extracting(path.inner)
    guard !inner.isSourceRoute else { return .malformed(.sourceRouteOfSender, .mail) }
    guard let reversePath = ReversePath(inner) else { return .malformed(.badSenderAddress, .mail) }
    var parameters = MailParameters()
    parameters.needsSMTPUTF8 = needsSMTPUTF8
    if let refusal = parameters.read(rest.extracting(path.end...)) { return .malformed(refusal, .mail) }
    return .mail(reversePath, parameters)
  }

  private static func recipient(
    _ argument: Span<UInt8>, needsSMTPUTF8: Bool, _ acceptsPathWithoutBrackets: Bool
  ) -> Command {
    guard argument.startsIgnoringCase("to:") else { return .malformed(.recipientSyntax, .recipient) }
    let rest = argument.extracting(argument.trimmed(from: 3))
    guard let path = PathArgument(rest, acceptsPathWithoutBrackets) else {
      return .malformed(.badRecipientAddress, .recipient)
    }
    let inner = rest.extracting(path.inner)
    guard !inner.isSourceRoute else { return .malformed(.sourceRouteOfRecipient, .recipient) }
    guard let forwardPath = ForwardPath(inner) else { return .malformed(.badRecipientAddress, .recipient) }
    var recipient = RecipientArgument(forwardPath)
    recipient.needsSMTPUTF8 = needsSMTPUTF8
    if let refusal = recipient.read(rest.extracting(path.end...)) { return .malformed(refusal, .recipient) }
    return .recipient(recipient)
  }

  /// `chunk-size [SP "LAST"]`. RFC 3030 §2 sets no limit to the digits: `1*DIGIT`.
  private static func chunk(_ argument: Span<UInt8>) -> Command {
    let sizeEnd = argument.firstIndex(of: .space) ?? argument.count
    guard let octets = argument.extracting(0..<sizeEnd).decimalNumber(digits: .max) else {
      return .malformed(.chunkSyntax, .chunk)
    }
    let last = argument.extracting(argument.trimmed(from: sizeEnd))
    guard last.isEmpty || last.equalsIgnoringCase("last") else { return .malformed(.chunkSyntax, .chunk) }
    return .chunk(octets: octets, isLast: !last.isEmpty)
  }

  /// A name of any kind, since nothing is looked up; UTF-8 where SMTPUTF8 follows it (RFC 6531 §3.7.4.2).
  private static func verify(_ argument: Span<UInt8>, needsSMTPUTF8: Bool) -> Command {
    guard !argument.isEmpty else { return .malformed(.verifySyntax, .verify) }
    guard needsSMTPUTF8 else { return .verify }
    var nameEnd = argument.count
    while nameEnd > 0, argument[nameEnd - 1] != .space { nameEnd -= 1 }
    guard argument.extracting(nameEnd...).equalsIgnoringCase("smtputf8") else {
      return .malformed(.needsSMTPUTF8, .verify)
    }
    return argument.extracting(0..<nameEnd).isInternationalizedText ? .verify : .malformed(.verifySyntax, .verify)
  }
}
