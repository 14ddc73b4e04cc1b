import MailModel

/// A command line (RFC 5321 §4.1.1), read once.
enum Command: Equatable {
  case hello(name: ClientName, isExtended: Bool)
  case startTLS
  case authenticate(mechanism: String, initialResponse: InitialResponse?)
  case mail(ReversePath, MailParameters)
  case recipient(ForwardPath, RecipientParameters, hasParameters: Bool)
  case data
  /// BDAT (RFC 3030 §2): so many octets follow the line at once.
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

  /// - Parameter acceptsPathWithoutBrackets: takes a plain dot-atom mailbox for a path.
  init(_ line: Span<UInt8>, acceptsPathWithoutBrackets: Bool) {
    var end = 0
    while end < line.count, !line[end].isASCIIBlank { end += 1 }
    guard let verb = Verb(line.extracting(0..<end)) else {
      self = .unknown
      return
    }
    let argument = line.extracting(line.trimmed(from: end))
    for index in argument.indices where argument[index] < 0x20 || argument[index] == 0x7F {
      self = .malformed(.syntax("No control characters in a command, please"), verb)
      return
    }
    switch verb {
    case .hello: self = Self.hello(argument, isExtended: line[0] & 0xDF == UInt8(ascii: "E"))
    case .startTLS: self = argument.isEmpty ? .startTLS : .malformed(.syntax("STARTTLS takes no parameter"), verb)
    case .authenticate: self = Self.authenticate(argument)
    case .mail: self = Self.mail(argument, acceptsPathWithoutBrackets)
    case .recipient: self = Self.recipient(argument, acceptsPathWithoutBrackets)
    case .data: self = argument.isEmpty ? .data : .malformed(.syntax("DATA takes no parameter"), verb)
    case .chunk: self = .malformed(.syntax("Syntax: BDAT octets [LAST]"), verb)
    case .reset: self = argument.isEmpty ? .reset : .malformed(.syntax("RSET takes no parameter"), verb)
    case .quit: self = argument.isEmpty ? .quit : .malformed(.syntax("QUIT takes no parameter"), verb)
    case .noop: self = .noop
    case .help: self = .help
    case .verify: self = argument.isEmpty ? .malformed(.syntax("Syntax: VRFY mailbox"), verb) : .verify
    case .expand: self = .expand
    }
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

  private static func hello(_ argument: Span<UInt8>, isExtended: Bool) -> Command {
    guard let name = ClientName(argument) else {
      return .malformed(.syntax("Syntax: \(isExtended ? "EHLO" : "HELO") hostname"), .hello)
    }
    return .hello(name: name, isExtended: isExtended)
  }

  private static func authenticate(_ argument: Span<UInt8>) -> Command {
    let nameEnd = argument.firstIndex(of: .space) ?? argument.count
    let name = argument.extracting(0..<nameEnd)
    guard (1...20).contains(name.count) else {  // RFC 4422 §3.1
      return .malformed(.syntax("Syntax: AUTH mechanism [initial-response]"), .authenticate)
    }
    let mechanism = String(decoding: name.array().map { $0 >= 0x61 && $0 <= 0x7A ? $0 & 0xDF : $0 }, as: UTF8.self)
    let response = argument.extracting(argument.trimmed(from: nameEnd))
    guard !response.isEmpty else { return .authenticate(mechanism: mechanism, initialResponse: nil) }
    if response.count == 1, response[0] == UInt8(ascii: "=") {  // an empty one (RFC 4954 §4)
      return .authenticate(mechanism: mechanism, initialResponse: .octets([]))
    }
    let initial = Base64.decode(response).map { InitialResponse.octets($0) } ?? .notBase64
    return .authenticate(mechanism: mechanism, initialResponse: initial)
  }

  private static func mail(_ argument: Span<UInt8>, _ acceptsPathWithoutBrackets: Bool) -> Command {
    guard argument.startsIgnoringCase("from:") else {
      return .malformed(.syntax("Syntax: MAIL FROM:<address>"), .mail)
    }
    let rest = argument.extracting(argument.trimmed(from: 5))
    guard let path = PathArgument(rest, acceptsPathWithoutBrackets) else {
      return .malformed(.badSenderAddress, .mail)
    }
    let inner = rest.extracting(path.inner)
    let reversePath: ReversePath
    if inner.isEmpty {
      reversePath = .null
    } else {
      guard let mailbox = Mailbox(inner) else { return .malformed(.badSenderAddress, .mail) }
      reversePath = .mailbox(mailbox)
    }
    switch MailParameters.parse(rest.extracting(path.end...)) {
    case .success(let parameters): return .mail(reversePath, parameters)
    case .failure(let refusal): return .malformed(refusal.reply, .mail)
    }
  }

  private static func recipient(_ argument: Span<UInt8>, _ acceptsPathWithoutBrackets: Bool) -> Command {
    guard argument.startsIgnoringCase("to:") else {
      return .malformed(.syntax("Syntax: RCPT TO:<address>"), .recipient)
    }
    let rest = argument.extracting(argument.trimmed(from: 3))
    guard let path = PathArgument(rest, acceptsPathWithoutBrackets),
      let recipient = ForwardPath(rest.extracting(path.inner))
    else { return .malformed(.badRecipientAddress, .recipient) }
    return .recipient(recipient, RecipientParameters(), hasParameters: !rest.trimmed(from: path.end).isEmpty)
  }
}

/// The path in the argument of MAIL or RCPT, and where it ends.
struct PathArgument {
  /// Without angle brackets.
  var inner: Range<Int>
  var end: Int

  /// A path of at most 256 octets with its brackets (RFC 5321 §4.5.3.1.3), followed by nothing or by a blank.
  init?(_ text: Span<UInt8>, _ acceptsPathWithoutBrackets: Bool) {
    guard text.count > 0 else { return nil }
    guard text[0] == UInt8(ascii: "<") else {
      // The leniency: one plain dot-atom mailbox and nothing else.
      guard acceptsPathWithoutBrackets, text.count <= 254, let mailbox = Mailbox(text), mailbox.hasAtomLocalPart,
        mailbox.domain != nil
      else { return nil }
      (inner, end) = (0..<text.count, text.count)
      return
    }
    var isQuoted = false
    var index = 1
    while index < text.count, index < 256 {
      switch text[index] {
      case UInt8(ascii: "\\") where isQuoted: index += 1
      case UInt8(ascii: "\""): isQuoted.toggle()
      case UInt8(ascii: ">") where !isQuoted:
        guard index + 1 == text.count || text[index + 1] == .space else { return nil }
        (inner, end) = (1..<index, index + 1)
        return
      default: break
      }
      index += 1
    }
    return nil
  }
}

extension Span<UInt8> {
  /// All but the blanks at either end, from `offset` on.
  func trimmed(from offset: Int = 0) -> Range<Int> {
    var start = offset
    var end = count
    while start < end, self[start].isASCIIBlank { start += 1 }
    while end > start, self[end - 1].isASCIIBlank { end -= 1 }
    return start..<end
  }
}
