#if canImport(Glibc)
@preconcurrency import Glibc
#elseif canImport(Musl)
@preconcurrency import Musl
#else
import Darwin
#endif

/// What is printed.
enum StandardOutput {
  /// Output was lost: the disk is full, or the like.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Ends the process with 74, `EX_IOERR`, where output was lost, whatever else the command came to.
  static func exitIfLost() {
    do { try flush() } catch {
      fputs("Error: \(error)\n", stderr)
      exit(74)
    }
  }

  /// Has everything printed so far leave the process.
  static func flush() throws {
    guard fflush(stdout) == 0, ferror(stdout) == 0 else {
      throw Failure(description: "The output cannot be written: \(String(cString: strerror(errno))).")
    }
  }
}
