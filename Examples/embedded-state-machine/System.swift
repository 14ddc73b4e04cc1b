import MailModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The session is told the time; it never looks.
func monotonicNow() -> MonotonicInstant {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return MonotonicInstant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}

/// Appends what comes next; `false` at the end of the input.
func readIn(_ input: inout [UInt8]) -> Bool {
  var chunk = [UInt8](repeating: 0, count: 16_384)
  let count = read(STDIN_FILENO, &chunk, chunk.count)
  guard count > 0 else { return false }
  input.append(contentsOf: chunk[..<count])
  return true
}

/// Writes everything, and empties it.
func writeOut(_ output: inout [UInt8]) {
  var rest = output[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    guard count > 0 else { break }
    rest = rest.dropFirst(count)
  }
  output.removeAll(keepingCapacity: true)
}

func tell(_ text: String) {
  let line = Array((text + "\n").utf8)
  _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

func exit(_ status: Int32) -> Never {
  #if canImport(Glibc)
  Glibc.exit(status)
  #elseif canImport(Musl)
  Musl.exit(status)
  #else
  Darwin.exit(status)
  #endif
}
