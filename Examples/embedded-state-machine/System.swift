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

enum Reading { case octets, end, timeout }

/// Appends what comes next, if it comes in time.
func readIn(_ input: inout [UInt8], until deadline: MonotonicInstant?) -> Reading {
  var waited = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
  let rest = deadline.map { monotonicNow().duration(to: $0).components.seconds + 1 } ?? 3600
  guard poll(&waited, 1, Int32(clamping: max(0, rest) * 1000)) > 0 else { return .timeout }
  var chunk = [UInt8](repeating: 0, count: 16_384)
  let count = read(STDIN_FILENO, &chunk, chunk.count)
  guard count > 0 else { return .end }
  input.append(contentsOf: chunk[..<count])
  return .octets
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
