#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A file on its way into a folder: under a name of its own until it is whole and on stable storage. All calls block.
struct FolderFile: Sendable {
  private let folder: String
  private let temporaryPath: String
  private let path: String
  private let descriptor: Int32

  /// - Parameter temporaryName: what nobody else writes at the same time.
  init(folder: String, name: String, temporaryName: String) throws(SystemError) {
    self.folder = folder
    path = "\(folder)/\(name)"
    let temporaryPath = "\(folder)/\(temporaryName)"
    self.temporaryPath = temporaryPath
    descriptor = try SystemError.check {
      open(temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
    }
  }

  func append(_ octets: [UInt8]) throws(SystemError) {
    var written = 0
    while written < octets.count {
      written += try SystemError.check {
        octets.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + written }, octets.count - written) }
      }
    }
  }

  /// Gives the file its name, in the place of an earlier one, for good.
  func finish() throws(SystemError) {
    try SystemError.check { fsync(descriptor) }
    try SystemError.check { rename(temporaryPath, path) }
    try Self.sync(folder)
    close(descriptor)
  }

  /// Leaves nothing behind; instead of ``finish()``, or after one that failed.
  func discard() {
    close(descriptor)
    unlink(temporaryPath)
  }

  /// Makes sure that there is such a folder, for good; one that is new only its owner can enter.
  static func makeFolder(_ path: String) throws(SystemError) {
    do {
      try SystemError.check { mkdir(path, 0o700) }
      // Its name stands in its parent.
      try sync("\(path)/..")
    } catch  where error.number == EEXIST {}
    try sync(path)
  }

  /// Removes the files in the folder whose names are like that of a temporary file. What cannot be removed stays.
  static func sweep(_ folder: String, where isTemporaryName: (String) -> Bool) throws(SystemError) {
    guard let directory = opendir(folder) else { throw SystemError(number: errno) }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
          String(cString: $0)
        }
      }
      if isTemporaryName(name) { unlink("\(folder)/\(name)") }
    }
  }

  private static func sync(_ folder: String) throws(SystemError) {
    let descriptor = try SystemError.check { open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    defer { close(descriptor) }
    try SystemError.check { fsync(descriptor) }
  }
}

/// What the system answered.
struct SystemError: Error, CustomStringConvertible {
  var number: Int32

  var description: String { String(cString: strerror(number)) }

  /// What `call` returns, unless that is negative; again where a signal came between.
  @discardableResult
  static func check<Number: SignedInteger>(_ call: () -> Number) throws(SystemError) -> Number {
    while true {
      let result = call()
      if result >= 0 { return result }
      let number = errno
      guard number == EINTR else { throw SystemError(number: number) }
    }
  }
}
