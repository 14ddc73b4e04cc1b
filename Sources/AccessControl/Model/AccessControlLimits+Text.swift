import MailModel

/// What identifiers, names and descriptions are made of.
extension AccessControlLimits {
  func checkIdentifier(_ text: String) throws(AccessControlError) {
    guard (1...max(1, identifierLength)).contains(text.utf8.count), text.utf8.allSatisfy(\.isIdentifierText) else {
      throw AccessControlError(
        .invalidIdentifier, "an identifier is 1 to \(identifierLength) letters, digits, hyphens and underscores")
    }
  }

  func checkName(_ text: String, of subject: String) throws(AccessControlError) {
    let isMadeOfNameText = text.utf8.allSatisfy { $0.isIdentifierText || $0 == .space }
    guard (1...max(1, nameLength)).contains(text.utf8.count), isMadeOfNameText else {
      throw AccessControlError(
        .invalidName, "a name is 1 to \(nameLength) letters, digits, hyphens, underscores and blanks", subject: subject)
    }
  }

  func checkDescription(_ text: String, of subject: String) throws(AccessControlError) {
    let scalars = text.unicodeScalars
    guard scalars.count <= descriptionLength, scalars.allSatisfy({ (0x20...0xFE).contains($0.value) }) else {
      throw AccessControlError(
        .invalidDescription, "a description is up to \(descriptionLength) characters from U+0020 to U+00FE",
        subject: subject)
    }
  }
}

extension UInt8 {
  fileprivate var isIdentifierText: Bool {
    isASCIIAlphanumeric || self == UInt8(ascii: "-") || self == UInt8(ascii: "_")
  }
}
