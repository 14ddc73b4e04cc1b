import Foundation
import PeerTesting
import Testing

/// Watches a server from outside and kills it just before the n-th of the calls that write, sync, cut, rename or remove files,
/// or write to a connection, counted over all its threads from the first that concerns a file. (strace counts for each thread
/// apart.)
final class CrashPoint: Sendable {
  private let child: Child
  private let output: FileHandle

  /// Returns when every thread is watched.
  init(at number: Int, of processIdentifier: Int32) async throws {
    let pipe = Pipe()
    child = try Child(
      try #require(Peer.python3.path), ["-c", Self.script, "\(processIdentifier)", "\(number)"], input: nil,
      output: pipe.fileHandleForWriting, errors: .standardError)
    try pipe.fileHandleForWriting.close()
    output = pipe.fileHandleForReading
    let said = try await offPool { [output] in firstLine(of: output) }
    guard said == "watching" else { throw DemoServer.Failure(description: "cannot be watched") }
  }

  /// To be asked once the server is dead.
  ///
  /// - Returns: the call that it did not get to make, with the name of its file; empty where it was never reached.
  func reached() async throws -> String {
    try await offPool { [output, child] in
      // The watcher ends with what it watches; where it does not, it is ended, so that the reading ends as well.
      _ = child.wait(seconds: 60)
      return firstLine(of: output)
    }
  }

  fileprivate static let script = #"""
    import ctypes, os, platform, signal, struct, sys

    pid, number = int(sys.argv[1]), int(sys.argv[2])
    calls = {
      "x86_64": {1: "write", 18: "pwrite64", 20: "writev", 46: "sendmsg", 74: "fsync", 75: "fdatasync",
        77: "ftruncate", 82: "rename", 87: "unlink", 263: "unlinkat", 264: "renameat", 316: "renameat2"},
      "aarch64": {64: "write", 68: "pwrite64", 66: "writev", 211: "sendmsg", 82: "fsync", 83: "fdatasync",
        46: "ftruncate", 35: "unlinkat", 38: "renameat", 276: "renameat2"},
    }[platform.machine()]
    named = {"rename", "renameat", "renameat2", "unlink", "unlinkat"}

    SEIZE, INTERRUPT, SYSCALL, LISTEN, GET_SYSCALL_INFO = 0x4206, 0x4207, 24, 0x4208, 0x420e
    SYSGOOD, CLONE, EXITKILL = 1, 8, 1 << 20
    EVENT_STOP, ENTRY = 128, 1
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    info = ctypes.create_string_buffer(128)

    def ptrace(request, thread, address=0, data=0):
      return libc.ptrace(request, thread, address, data)

    def seize_all():
      seized = set()
      while new := {int(name) for name in os.listdir(f"/proc/{pid}/task")} - seized:
        for thread in new:
          if ptrace(SEIZE, thread, 0, SYSGOOD | CLONE | EXITKILL) == 0: ptrace(INTERRUPT, thread)
          elif thread == pid: sys.exit(1)  # we may not
        seized |= new

    # What a thread is about to do, if it is one of the calls.
    def counted(thread):
      ptrace(GET_SYSCALL_INFO, thread, len(info), ctypes.addressof(info))
      kind, call, first = struct.unpack_from("=B23xQQ", info)
      name = calls.get(call)
      if kind != ENTRY or name is None: return None
      if name in named: return name
      try: file = os.readlink(f"/proc/{pid}/fd/{first}")
      except OSError: return None
      if file.startswith(("anon_inode:", "pipe:")) or first <= 2: return None  # a wake-up, or a line of the log
      if not file.startswith("socket:"): return f"{name} {os.path.basename(file)}"
      return f"{name} connection" if seen else None  # what comes before is the login

    seize_all()
    print("watching", flush=True)
    seen = 0
    while True:
      try: thread, status = os.waitpid(-1, 0x40000000)  # threads too
      except ChildProcessError: break
      if not os.WIFSTOPPED(status): continue
      stop, event = os.WSTOPSIG(status), status >> 16
      if stop == signal.SIGTRAP | 0x80:
        if seen < number and (call := counted(thread)):
          seen += 1
          if seen == number:
            os.kill(pid, signal.SIGKILL)
            print(call, flush=True)
        ptrace(SYSCALL, thread)
      elif event == EVENT_STOP and stop != signal.SIGTRAP: ptrace(LISTEN, thread)
      else: ptrace(SYSCALL, thread, 0, 0 if event else stop)
    """#
}

extension CrashPoint {
  /// Whether this machine lets us watch a process that is not the watcher's own, and we know its calls; tried once.
  fileprivate static let canWatch = Task {
    do {
      let watched = try Child("/bin/sleep", ["60"], input: nil, output: .nullDevice, errors: .nullDevice)
      defer { watched.signal(SIGKILL) }
      _ = try await CrashPoint(at: 1, of: watched.processIdentifier)
      return true
    } catch {
      return false
    }
  }
}

extension Trait where Self == ConditionTrait {
  /// Runs a test only where a process may watch another that it did not start: on Linux, mostly by root.
  static var watchesProcesses: Self {
    .enabled("no process can be watched from outside here: not allowed, or a machine whose calls are not known") {
      await CrashPoint.canWatch.value
    }
  }
}
