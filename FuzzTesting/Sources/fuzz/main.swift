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

private let name = CommandLine.arguments.first { $0.hasPrefix("--target=") }?.dropFirst("--target=".count)
private let chosen = FuzzTarget.all.first { $0.name == name ?? "" }
guard let chosen else {
  print("--target=NAME, one of: \(FuzzTarget.all.map(\.name).joined(separator: " "))")
  exit(64)
}
private var count = CommandLine.argc
private var arguments = CommandLine.unsafeArgv
exit(
  runFuzzer(&count, &arguments) { octets, size in
    chosen.check(UnsafeRawBufferPointer(start: octets, count: size))
    return 0
  })
#else
// `fuzz replay FOLDER …`: shows each target the files in the subfolder of its name. `fuzz list`: the targets.
private let words = CommandLine.arguments.dropFirst()
switch words.first {
case "list":
  for target in FuzzTarget.all { print(target.name, target.maximumLength) }
case "replay":
  for folder in words.dropFirst() { try replay(folder) }
default:
  print("fuzz list | replay FOLDER …")
  exit(64)
}

private func replay(_ folder: String) throws {
  for target in FuzzTarget.all {
    let path = "\(folder)/\(target.name)"
    let files = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    for file in files {
      let input = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(file)"))
      FileHandle.standardError.write(Data("\(path)/\(file)\r".utf8))  // stays in sight where a check ends the process
      input.withUnsafeBytes { target.check($0) }
    }
    print("\(path): \(files.count) inputs")
  }
}
#endif
