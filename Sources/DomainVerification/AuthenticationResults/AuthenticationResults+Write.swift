public import MailModel

extension AuthenticationResults {
  /// Most octets of a name of a service, a reason or a comment that are written, the rest cut off. A domain is 253 at
  /// most (RFC 1035 §2.3.4), and no line may be over 998 (RFC 5322 §2.1.1), with each octet escaped.
  public static let largestTextCount = 256
  /// Most octets of a property's value; one that is longer is left out, since a part of it would be another. An
  /// address is 254 at most (RFC 5321 §4.5.3.1).
  public static let largestValueCount = 400

  /// Writes the field, folded to 78 octets where its parts allow it.
  ///
  /// What no keyword may hold is written as `-` in one, a control character anywhere as `?`; a value that is no token
  /// and no address is quoted. A version that is not of one to three digits is left out.
  public func write(to writer: inout HeaderFieldWriter) {
    let service = Self.word(Self.cut(authenticationService))
    var parts = [Self.version(version).map { "\(service) \($0)" } ?? service]
    func begin(_ part: String) {
      parts[parts.count - 1] += ";"
      parts.append(part)
    }
    if results.isEmpty { begin("none") }
    for result in results {
      let version = Self.version(result.methodVersion).map { "/\($0)" } ?? ""
      begin("\(Self.keyword(result.method))\(version)=\(Self.keyword(result.result))")
      if let comment = result.comment { parts.append(Self.comment(comment)) }
      if let reason = result.reason { parts.append("reason=\(Self.quoted(Self.cut(reason)))") }
      for property in result.properties where property.value.utf8.count <= Self.largestValueCount {
        parts.append("\(Self.keyword(property.kind)).\(Self.keyword(property.name))=\(Self.value(property.value))")
      }
    }
    writer.write("Authentication-Results", parts)
  }

  /// The whole field with its last CRLF, as text.
  public var field: String {
    var writer = HeaderFieldWriter()
    write(to: &writer)
    return String(decoding: writer.octets, as: UTF8.self)
  }

  /// `Keyword` of RFC 5321 §4.1.2.
  private static func keyword(_ text: String) -> String {
    let octets = text.utf8.prefix(64).map { $0.isKeywordText ? $0 : UInt8(ascii: "-") }
    return octets.isEmpty ? "-" : String(decoding: octets, as: UTF8.self)
  }

  /// `1*DIGIT`, which nobody needs more than three of.
  private static func version(_ number: Int?) -> Int? { number.flatMap { (0...999).contains($0) ? $0 : nil } }

  /// `[ [ local-part ] "@" ] domain-name`, or else a word: the value of a property (RFC 8601 §2.2).
  private static func value(_ text: String) -> String {
    let isAddress = Mailbox(text)?.domain != nil || text.first == "@" && DomainName(String(text.dropFirst())) != nil
    return isAddress ? text : word(text)
  }

  /// `token`, or else `quoted-string` (RFC 2045 §5.1).
  private static func word(_ text: String) -> String {
    let isToken = !text.isEmpty && text.utf8.allSatisfy(\.isTokenText)
    return isToken ? text : quoted(text)
  }

  private static func quoted(_ text: String) -> String { "\"\(escaped(text, ["\"", "\\"]))\"" }

  private static func comment(_ text: String) -> String { "(\(escaped(cut(text), ["(", ")", "\\"])))" }

  private static func escaped(_ text: String, _ marks: [Unicode.Scalar]) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if marks.contains(scalar) { result.append("\\") }
      // A control character must not stand behind a backslash, where the writer of the field would not know of it.
      if scalar == "\t" {
        result.append(" ")
      } else {
        result.append(scalar.value < 0x20 || scalar.value == 0x7F ? "?" : scalar)
      }
    }
    return String(result)
  }

  /// The longest beginning of whole scalars that is short enough.
  private static func cut(_ text: String) -> String {
    var (result, count) = (String.UnicodeScalarView(), 0)
    for scalar in text.unicodeScalars {
      count += UTF8.width(scalar)
      guard count <= largestTextCount else { break }
      result.append(scalar)
    }
    return String(result)
  }
}

extension UInt8 {
  /// What may stand in a keyword: letters, digits, hyphens. The underscore is in names that were registered.
  var isKeywordText: Bool { isASCIIAlphanumeric || self == UInt8(ascii: "-") || self == UInt8(ascii: "_") }

  /// `token` of RFC 2045 §5.1: visible US-ASCII but the specials.
  var isTokenText: Bool { isASCIIVisible && !"()<>@,;:\\\"/[]?=".utf8.contains(self) }
}
