import DeliveryQueue
import MailModel

/// Where those recipients of a message are that are left, as the table `pending` tells it: so the claim ledger is filled at a
/// start without a look at the recipients of most messages.
enum PendingDestination: Hashable, Sendable {
  /// All behind one `@`; `nil` for postmasters without a domain.
  case one(Mailbox.Host?)
  /// Behind several, or in a way that cannot be understood: the recipients' own rows tell.
  case several

  /// Where so many recipients are.
  init(_ destinations: some Sequence<Mailbox.Host?>) {
    var found: Mailbox.Host??
    for destination in destinations {
      guard found == nil || found == .some(destination) else {
        self = .several
        return
      }
      found = .some(destination)
    }
    self = found.map { .one($0) } ?? .several
  }

  // MARK: - The column

  /// Text as it stands behind the `@`, of which nothing stands for a postmaster; NULL for several.
  init(column: String?) {
    guard let column else {
      self = .several
      return
    }
    let octets = Array(column.utf8)
    if octets.isEmpty {
      self = .one(nil)
    } else {
      self = Mailbox.Host(octets.span).map { .one($0) } ?? .several
    }
  }

  /// What ``init(column:)`` reads.
  var column: String? {
    switch self {
    case .one(let destination): destination?.description ?? ""
    case .several: nil
    }
  }
}
