import DeliveryQueue
import MailModel
import SMTPProtocol

/// The fields that a submission server puts in front of a message (RFC 5321 §4.4, RFC 6409 §8).
struct AddedFields {
  let id: QueueID
  let request: MessageRequest
  let client: SocketEndpoint
  let environment: IntakeEnvironment

  /// Received, and Message-ID and Date where the message has none.
  func octets(for section: HeaderSection) -> [UInt8] {
    let now = environment.time.now()
    var writer = HeaderFieldWriter()
    writer.write("Received", received(now))
    if !section.contains("message-id") { writer.write("Message-ID", ["<\(id)@\(environment.hostName)>"]) }
    if !section.contains("date") { writer.write("Date", [now.internetMessageDate]) }
    return writer.octets
  }

  private func received(_ now: Timestamp) -> [String] {
    var parts: [String] = []
    if let from { parts.append("from \(from)") }
    parts.append("by \(environment.hostName)")
    parts.append("with \(request.protocolKeyword)\(request.tls.map { " (\($0.version))" } ?? "")")
    let recipients = request.envelope.recipients
    // With several, a `for` would tell each of the others (RFC 5321 §7.6).
    let recipient = recipients.count == 1 ? recipients.first.flatMap { presentable($0.path) } : nil
    parts.append("id \(id)")
    if let recipient { parts.append("for <\(recipient)>") }
    // RFC 6710: what MAIL said, and not what else may have been found out.
    if let priority = request.envelope.parameters.priority { parts.append("PRIORITY \(priority)") }
    parts[parts.count - 1] += ";"
    parts.append(now.internetMessageDate)
    return parts
  }

  /// A recipient, unless it needs UTF-8 in a message that did not ask for SMTPUTF8: no header field may hold it there.
  private func presentable(_ path: ForwardPath) -> String? {
    let address = path.description
    let mayBeUTF8 = request.envelope.parameters.isInternationalized
    return mayBeUTF8 || address.utf8.allSatisfy { $0 < 0x80 } ? address : nil
  }

  /// Who the client says it is, and where it came from; neither if nothing may be told.
  private var from: String? {
    let name = request.clientName.flatMap(presentable)
    if environment.hidesClientAddress { return name }
    return "\(name ?? "unknown") ([\(client.address.literal)])"
  }

  /// A client's name as it may stand in the field: nothing there could be taken for syntax. A literal is an address, which
  /// is told elsewhere, or hidden.
  private func presentable(_ name: ClientName) -> String? {
    let isPlain = name.description.utf8.allSatisfy {
      $0.isASCIIAlphanumeric || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
    }
    let isAddress = IPAddress(name.description) != nil
    return isPlain && !isAddress ? name.description : nil
  }
}
