public import MailModel

/// The domain of the author of a message: that of the address in its header field From (RFC 9989 §3.2.2, RFC 7489
/// §6.6.1).
///
/// There is one only where there is exactly one field with exactly one address, by the grammar of RFC 5322 §3.4 and
/// RFC 6532 §3.2. What some program may see as a field From counts as one more: a field whose name would be From without
/// the blanks and controls in it, and a line behind a CR or LF alone that begins with such a name. Comments, folds, quoted names and names with bare dots are taken; whatever else is obsolete is refused, since programs read
/// that differently, and what one of them shows another must not have let pass. Nothing is ever decoded: an encoded
/// word (RFC 2047) is no address.
public enum AuthorDomain: Hashable, Sendable {
  /// There is one.
  case domain(DomainName)
  /// There is none, and why.
  case problem(AuthorDomainProblem)

  /// Most octets of a field that is looked at: as many as a message's field may have here.
  public static let largestCount = 65_536

  /// The author domain of a message with this header section.
  ///
  /// - Parameter isCut: whether the section ended at a line that is no field, in place of an empty line: of
  ///   ``MailModel/HeaderScanner/End`` its two ends are the same then, and octets follow. Some programs read fields on behind
  ///   such a line, another From perhaps, so that the message has no author domain.
  public init(_ header: HeaderSection, isCut: Bool = false) {
    if isCut { self = .problem(.cutHeader) } else { self.init(header, field: "from") }
  }

  /// The same of another field that holds one address, such as Sender. Its name is written in lower case.
  package init(_ header: HeaderSection, field name: StaticString) {
    let field = header.fields.first { header.octets.span.extracting($0.name).equalsIgnoringCase(name) }
    guard let value = field?.value else {
      self = .problem(.missing)
      return
    }
    let count = header.countSeen(as: name)
    self = count == 1 ? .init(value: header.octets.span.extracting(value)) : .problem(.repeated(count))
  }

  /// The author domain of a field's value, which is what stands behind the colon.
  package init(value: Span<UInt8>) {
    guard value.count <= Self.largestCount else {
      self = .problem(.tooLong)
      return
    }
    var parser = SingleAddressParser(octets: value.array())
    do throws(AuthorDomainProblem.Failure) {
      self = .domain(try parser.domain())
    } catch {
      self = .problem(error.problem)
    }
  }

  /// The domain; `nil` where there is none.
  public var domain: DomainName? {
    if case .domain(let domain) = self { domain } else { nil }
  }
}

extension AuthorDomainProblem {
  /// Carries a problem out of the parser.
  struct Failure: Error { var problem: AuthorDomainProblem }
}
