import Foundation
import FuzzTargets

#if FUZZER
// `fuzz --target=NAME …`: libFuzzer, which passes over options that begin with two hyphens and takes all others.
private typealias Callback = @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
private typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<Arguments>, _ callback: Callback
) -> CInt

private func chosenTarget() -> FuzzTarget {
  let target = FuzzTarget.all.first { CommandLine.arguments.contains("--target=\($0.name)") }
  guard let target else {
    print("--target=NAME, one of: \(FuzzTarget.all.map(\.name).joined(separator: " "))")
    exit(64)
  }
  return target
}

private let target = chosenTarget()
private let words = CommandLine.arguments + ["-max_len=\(target.maximumLength)"]
private var count = CInt(words.count)
private var arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: words.count + 1)
for (index, word) in words.enumerated() { arguments[index] = strdup(word) }
arguments[words.count] = nil
exit(
  runFuzzer(&count, &arguments) { octets, size in
    target.check(UnsafeRawBufferPointer(start: octets, count: size))
    return 0
  })
#else
// `fuzz [--verbose] FOLDER …`: shows each target the files in the subfolder of its name.
private let isVerbose = CommandLine.arguments.contains("--verbose")
private let folders = CommandLine.arguments.dropFirst().filter { $0 != "--verbose" }
if folders.isEmpty {
  print("fuzz [--verbose] FOLDER …")
  exit(64)
}
for folder in folders { try replay(folder) }

private func replay(_ folder: String) throws {
  for target in FuzzTarget.all {
    let path = "\(folder)/\(target.name)"
    guard FileManager.default.fileExists(atPath: path) else { continue }  // no input of this target ever failed
    let files = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    for file in files {
      let input = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(file)"))
      if isVerbose {
        print("\(path)/\(file)")
        fflush(nil)  // so that the line is there when the check ends the process
      }
      input.withUnsafeBytes { target.check($0) }
    }
    print("\(path): \(files.count) inputs")
  }
}
#endif
