// What the protocol machines cost, without sockets: GB/s of content, nanoseconds and heap allocations of commands.
//
//   bench-protocol                   the tables
//   bench-protocol WORKLOAD ROUNDS   that many rounds of one workload, for instructions.sh to count

import Foundation

func fail(_ reason: String) -> Never {
  FileHandle.standardError.write(Data("bench-protocol: \(reason)\n".utf8))
  exit(1)
}

/// A number in a column.
func column(_ number: Double?, digits: Int = 2) -> String {
  let text = number.map { String(format: "%.\(digits)f", $0) } ?? "-"
  return String(repeating: " ", count: max(1, 10 - text.count)) + text
}

func printContent() {
  print("GB/s of content           DATA      BDAT  stuffing   allocations per 64 KiB of DATA")
  for input in Input.all {
    let data = Workload.data(input).measured()
    let chunk = Workload.chunk(input)?.measured()
    let stuffing = Workload.stuffing(input)?.measured()
    print(
      input.name.padding(toLength: 20, withPad: " ", startingAt: 0), column(data.gigabytesPerSecond),
      column(chunk?.gigabytesPerSecond), column(stuffing?.gigabytesPerSecond),
      column(data.allocations.map { $0 * 65_536 }), separator: "")
  }
  let octets = Workload.dataByOctets(Input.all[0]).measured()
  print("octet by octet      ", column(octets.gigabytesPerSecond, digits: 3), separator: "")
  print("a command line      ", column(Workload.commandLine.measured().gigabytesPerSecond), separator: "")
}

func printCommands() {
  let transaction = Workload.transaction().measured()
  let rows = [
    ("MAIL, RCPT, DATA, 4 KB", transaction),
    ("one RCPT more", (Workload.transaction(recipients: 50).measured() - transaction) / 49),
    ("one NOOP more", (Workload.transaction(noops: 10).measured() - transaction) / 10),
    ("4 KB more", (Workload.transaction(content: 65_536).measured() - transaction) / 15),
  ]
  print("\n                              ns  allocations")
  for (name, row) in rows {
    print(
      name.padding(toLength: 22, withPad: " ", startingAt: 0), column(row.nanoseconds, digits: 0), "   ",
      column(row.allocations), separator: "")
  }
}

let arguments = CommandLine.arguments.dropFirst()
if arguments.isEmpty {
  printContent()
  printCommands()
} else if let name = arguments.first, let rounds = arguments.dropFirst().first.flatMap({ Int($0) }) {
  guard let workload = Workload.named(name) else { fail("no workload \(name)") }
  for _ in 0..<rounds { workload.round() }
} else {
  fail("usage: bench-protocol [WORKLOAD ROUNDS]")
}
