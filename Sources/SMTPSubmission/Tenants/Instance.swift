/// A tenant: everything that belongs together, and that nobody else sees.
public struct Instance: Hashable, Sendable {
  /// Its name in the deployment.
  public var id: Identifier<Instance>
  /// For people: 1 to 250 characters, as Unicode counts its scalars.
  public var name: String

  /// An instance of these parts.
  public init(id: Identifier<Instance> = .random(), name: String) { (self.id, self.name) = (id, name) }
}
