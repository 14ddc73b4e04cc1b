import DeliveryQueue
import MailModel

// How soon a message is to be delivered, as its sender says: in MAIL, or in the header section. Either is believed, since it
// only puts a tenant's own messages in order.
extension MessagePriority {
  /// What MAIL says; where it says nothing, what the header section does.
  init(_ parameters: MessageParameters, _ header: HeaderSection) {
    self = parameters.priority.map(MessagePriority.init) ?? MessagePriority(header)
  }

  /// The queue knows three levels, of the nineteen that a client may name (RFC 6710 §4.1).
  private init(_ priority: TransferPriority) {
    self = priority.level > 0 ? .urgent : priority.level < 0 ? .bulk : .normal
  }

  /// What a header section says.
  ///
  /// The field `Priority` decides where there is one (RFC 2156 §5.3.6: `urgent`, `normal` or `non-urgent`), otherwise
  /// `Precedence`, whose `bulk`, `list` and `junk` can wait (RFC 2076). A field that stands twice or says anything
  /// else says nothing. `X-Priority` and `Importance` are not asked: they tell the recipient what to read first, and many
  /// programs set them in every message. Nor is `Auto-Submitted`: an alarm is as automatic as a newsletter.
  private init(_ header: HeaderSection) {
    if header.contains("priority") {
      switch header.onlyValue(of: "priority") {
      case "urgent": self = .urgent
      case "non-urgent": self = .bulk
      default: self = .normal
      }
    } else {
      switch header.onlyValue(of: "precedence") {
      case "bulk", "list", "junk": self = .bulk
      default: self = .normal
      }
    }
  }
}
