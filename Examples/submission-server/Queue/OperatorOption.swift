import ArgumentParser
import Foundation

/// In whose name something is changed.
struct OperatorOption: ParsableArguments {
  @Option(help: "Who orders it; kept with what it changes. Default: your login name.")
  var by: String?

  var `operator`: String { by ?? Self.loginName }

  /// Of the session, which `sudo` does not change; where there is none, of the process.
  private static var loginName: String {
    var name = [CChar](repeating: 0, count: 256)
    guard getlogin_r(&name, name.count) == 0 else { return NSUserName() }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
