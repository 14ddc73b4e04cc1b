public import MailModel

/// The domain of the author of a message: that of the address in its header field From (RFC 9989 §3.2.2, RFC 7489
/// §6.6.1).
///
/// There is one only where there is exactly one field with exactly one address, by the grammar of RFC 5322 §3.4 and
/// RFC 6532 §3.2. A field whose name would be From without the blanks and controls in it counts as one more. Comments,
/// folds, quoted names and names with bare dots are taken; whatever else is obsolete is refused, since programs read
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
  public init(_ header: HeaderSection) { self.init(header, field: "from") }

  /// The same of another field that holds one address, such as Sender. Its name is written in lower case.
  package init(_ header: HeaderSection, field name: StaticString) {
    var value: Range<Int>?
    var count = 0
    for field in header.fields {
      let fieldName = header.octets.span.extracting(field.name)
      if fieldName.equalsIgnoringCase(name) {
        (value, count) = (field.value, count + 1)
      } else if fieldName.isTaken(for: name) {
        count += 1
      }
    }
    guard let value else {
      self = .problem(.missing)
      return
    }
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
