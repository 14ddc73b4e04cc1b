/// Where reports about a message go: the argument of MAIL (RFC 5321 §4.1.1.2).
public enum ReversePath: Hashable, Sendable, CustomStringConvertible {
  /// `<>`: nobody wants a report; the message is one itself.
  case null
  /// The sender's mailbox.
  case mailbox(Mailbox)

  /// Without angle brackets; empty for the null path.
  public var description: String {
    switch self {
    case .null: ""
    case .mailbox(let mailbox): mailbox.description
    }
  }

  /// What ``description`` gives; `nil` where that is neither empty nor a mailbox.
  public init?(_ text: String) {
    let octets = Array(text.utf8)
    self.init(octets.span)
  }

  package init?(_ octets: Span<UInt8>) {
    if octets.isEmpty {
      self = .null
    } else {
      guard let mailbox = Mailbox(octets) else { return nil }
      self = .mailbox(mailbox)
    }
  }

  /// The sender's mailbox, if there is one.
  public var mailbox: Mailbox? {
    if case .mailbox(let mailbox) = self { mailbox } else { nil }
  }
}

/// A recipient: the argument of RCPT (RFC 5321 §4.1.1.3).
public enum ForwardPath: Hashable, Sendable, CustomStringConvertible {
  /// A mailbox.
  case mailbox(Mailbox)
  /// `<Postmaster>` without a domain (RFC 5321 §4.5.1).
  case postmaster

  /// Without angle brackets.
  public var description: String {
    switch self {
    case .mailbox(let mailbox): mailbox.description
    case .postmaster: "postmaster"
    }
  }

  /// What ``description`` gives; `nil` where that is neither `postmaster` nor a mailbox.
  public init?(_ text: String) {
    let octets = Array(text.utf8)
    self.init(octets.span)
  }

  package init?(_ octets: Span<UInt8>) {
    if octets.equalsIgnoringCase("postmaster") {
      self = .postmaster
    } else {
      guard let mailbox = Mailbox(octets) else { return nil }
      self = .mailbox(mailbox)
    }
  }
}

/// A recipient, and what the sender asks for it.
public struct Recipient: Hashable, Sendable {
  /// Who.
  public var path: ForwardPath
  /// What the sender asks for it.
  public var parameters: RecipientParameters

  /// A recipient of these parts.
  public init(_ path: ForwardPath, parameters: RecipientParameters = RecipientParameters()) {
    (self.path, self.parameters) = (path, parameters)
  }
}

/// Who sends a message to whom, apart from its content.
public struct Envelope: Hashable, Sendable {
  /// Where reports go.
  public var reversePath: ReversePath
  /// In the order of the RCPT commands.
  public var recipients: [Recipient]
  /// What the sender declared of the message.
  public var parameters: MessageParameters

  /// An envelope of these parts.
  public init(
    reversePath: ReversePath, recipients: [Recipient], parameters: MessageParameters = MessageParameters()
  ) {
    (self.reversePath, self.recipients, self.parameters) = (reversePath, recipients, parameters)
  }

  /// An envelope that asks nothing particular for its recipients.
  public init(
    reversePath: ReversePath, recipients: [ForwardPath], parameters: MessageParameters = MessageParameters()
  ) {
    self.init(reversePath: reversePath, recipients: recipients.map { Recipient($0) }, parameters: parameters)
  }
}

/// From where an endpoint can be reached.
public enum EndpointType: String, Hashable, Sendable {
  /// Over the internet.
  case `public`
  /// From a private network alone.
  case `private`
}
