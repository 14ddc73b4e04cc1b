/// A resolver that shares or remembers what others asked, and can do without.
package protocol AnewResolver: DNSResolver {
  /// As ``DNSResolver/resolve(_:)``, by a query that is not sent before this is called.
  func resolveAnew(_ question: DNSQuestion) async -> DNSAnswer
}
