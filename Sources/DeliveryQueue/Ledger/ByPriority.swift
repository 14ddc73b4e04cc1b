/// One value for each ``MessagePriority``.
struct ByPriority<Value> {
  private var urgent: Value
  private var normal: Value
  private var bulk: Value

  init(_ value: Value) { (urgent, normal, bulk) = (value, value, value) }

  subscript(priority: MessagePriority) -> Value {
    get {
      switch priority {
      case .urgent: urgent
      case .normal: normal
      case .bulk: bulk
      }
    }
    _modify {
      switch priority {
      case .urgent: yield &urgent
      case .normal: yield &normal
      case .bulk: yield &bulk
      }
    }
  }
}

extension ByPriority: Sendable where Value: Sendable {}
