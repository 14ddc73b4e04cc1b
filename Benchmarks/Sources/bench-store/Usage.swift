#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Time that has passed, and processor time that the process has used.
struct Usage {
  var wall: Duration
  var user: Duration
  var system: Duration

  /// As of now.
  init() {
    let usage = Self.usage
    wall = ContinuousClock.now - Self.origin
    (user, system) = (Duration(usage.ru_utime), Duration(usage.ru_stime))
  }

  static func - (left: Usage, right: Usage) -> Usage {
    var difference = left
    difference.wall -= right.wall
    difference.user -= right.user
    difference.system -= right.system
    return difference
  }

  /// Octets of memory that the process has had at most.
  static var peakMemory: Int { usage.ru_maxrss * 1024 }

  private static let origin = ContinuousClock.now
  private static var usage: rusage {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage
  }
}

extension Duration {
  init(_ time: timeval) { self = .seconds(Int64(time.tv_sec)) + .microseconds(Int64(time.tv_usec)) }

  var inSeconds: Double { self / .seconds(1) }
  /// Seconds, to the hundredth.
  var seconds: String { rounded(inSeconds, 100) }
  /// Milliseconds, to the hundredth.
  var milliseconds: String { rounded(inSeconds * 1000, 100) }
}

func rounded(_ number: Double, _ parts: Double) -> String { String((number * parts).rounded() / parts) }
