import DeliveryQueue
import MailModel

extension MessagePriority {
  /// What a header section says of how soon its message wants to be transferred.
  ///
  /// The field `Priority` decides where there is one (RFC 2156 §5.3.6: `urgent`, `normal` or `non-urgent`), otherwise
  /// `Precedence`, whose `bulk`, `list` and `junk` can wait (RFC 2076 §3.9). A field that stands twice or says anything
  /// else says nothing. `X-Priority` and `Importance` are not asked: they tell the recipient what to read first, and many
  /// programs set them in every message. Nor is `Auto-Submitted`: an alarm is as automatic as a newsletter.
  init(_ header: HeaderSection) {
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
