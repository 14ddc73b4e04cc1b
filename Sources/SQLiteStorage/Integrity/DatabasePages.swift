import Foundation

/// The pages of a database file, read as SQLite's file format (<https://www.sqlite.org/fileformat2.html>) lays them out,
/// without trust in any of them. Blocks.
final class DatabasePages {
  /// Octets of a page; our databases have no other (``Connections``).
  static let pageSize = 16_384
  private static let headerCount = 100

  private let file: OpenFile
  /// Pages in the file, which have the numbers from 1 on.
  let count: Int

  init(path: String) throws {
    file = try OpenFile(path, O_RDONLY)
    count = try file.size() / Self.pageSize
  }

  /// A page's octets.
  func octets(of page: Int) throws -> [UInt8]? {
    guard (1...max(1, count)).contains(page) else { return nil }
    let octets = try file.read(from: (page - 1) * Self.pageSize, limit: Self.pageSize)
    return octets.count == Self.pageSize ? octets : nil
  }

  /// A page of a b-tree; `nil` where it is none.
  func node(_ page: Int) throws -> Node? {
    try octets(of: page).flatMap { Node($0, start: page == 1 ? Self.headerCount : 0) }
  }

  /// The pages that are free by the list that the first page begins.
  func free() throws -> Set<Int> {
    var free: Set<Int> = []
    guard let first = try octets(of: 1) else { return free }
    var trunk = first.integer(at: 32)
    while trunk > 0, free.insert(trunk).inserted, let page = try octets(of: trunk) {
      let entries = min(page.integer(at: 4), Self.pageSize / 4 - 2)
      for entry in 0..<entries { free.insert(page.integer(at: 8 + 4 * entry)) }
      trunk = page.integer(at: 0)
    }
    return free
  }

  /// The whole record of a cell; `nil` where not all of it can be read.
  func record(of cell: Node.Cell, in node: Node) throws -> StoredRecord? {
    var payload = Array(node.octets[cell.local])
    var next = cell.overflow
    while payload.count < cell.payloadCount {
      guard let octets = try octets(of: next) else { return nil }
      payload += octets[4...].prefix(cell.payloadCount - payload.count)
      next = octets.integer(at: 0)
    }
    return StoredRecord(payload, key: cell.key)
  }
}

/// A page of a b-tree.
struct Node {
  enum Kind: UInt8 {
    case interiorIndex = 2
    case interiorTable = 5
    case leafIndex = 10
    case leafTable = 13
  }

  /// A record, as far as it lies in the page.
  struct Cell {
    /// Of a table with such keys.
    var key: Int64?
    var local: Range<Int>
    var payloadCount: Int
    /// The first page of the rest; 0 where there is none.
    var overflow: Int
  }

  let kind: Kind
  fileprivate let octets: [UInt8]
  private let start: Int

  fileprivate init?(_ octets: [UInt8], start: Int) {
    guard let kind = Kind(rawValue: octets[start]) else { return nil }
    (self.kind, self.octets, self.start) = (kind, octets, start)
    guard cellStarts.count == cellCount else { return nil }
  }

  private var isInterior: Bool { kind == .interiorIndex || kind == .interiorTable }
  private var cellCount: Int { Int(octets[start + 3]) << 8 | Int(octets[start + 4]) }

  /// Where its cells begin; fewer than there are where the page is damaged.
  private var cellStarts: [Int] {
    let pointers = start + (isInterior ? 12 : 8)
    guard pointers + 2 * cellCount <= octets.count else { return [] }
    return (0..<cellCount).compactMap { index in
      let place = pointers + 2 * index
      let start = Int(octets[place]) << 8 | Int(octets[place + 1])
      return (pointers..<octets.count).contains(start) ? start : nil
    }
  }

  /// The pages below.
  var children: [Int] {
    guard isInterior else { return [] }
    return cellStarts.map { octets.integer(at: $0) } + [octets.integer(at: start + 8)]
  }

  /// The records in it. An interior page of a table has none.
  var cells: [Cell] { kind == .interiorTable ? [] : cellStarts.compactMap(cell) }

  private func cell(at start: Int) -> Cell? {
    var place = start + (isInterior ? 4 : 0)
    guard let length = octets.varint(at: &place), (0...Int64(Int32.max)).contains(length) else { return nil }
    var key: Int64?
    if kind == .leafTable {
      guard let found = octets.varint(at: &place) else { return nil }
      key = found
    }
    let count = Int(length)
    let local = localCount(count)
    guard place + local + (local < count ? 4 : 0) <= octets.count else { return nil }
    return Cell(
      key: key, local: place..<place + local, payloadCount: count,
      overflow: local < count ? octets.integer(at: place + local) : 0)
  }

  /// How much of a record lies in the page itself.
  private func localCount(_ count: Int) -> Int {
    let usable = octets.count
    let most = kind == .leafTable ? usable - 35 : (usable - 12) * 64 / 255 - 23
    guard count > most else { return count }
    let least = (usable - 12) * 32 / 255 - 23
    let fitting = least + (count - least) % (usable - 4)
    return fitting <= most ? fitting : least
  }
}

extension [UInt8] {
  /// A number of four octets; 0 behind the end.
  func integer(at place: Int) -> Int {
    guard place >= 0, place + 4 <= count else { return 0 }
    return self[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
  }

  /// A number of one to nine octets, after which `place` stands.
  func varint(at place: inout Int) -> Int64? {
    var value: UInt64 = 0
    for index in 0..<9 {
      guard indices.contains(place) else { return nil }
      let octet = self[place]
      place += 1
      if index == 8 { return Int64(bitPattern: value << 8 | UInt64(octet)) }
      value = value << 7 | UInt64(octet & 0x7F)
      if octet & 0x80 == 0 { return Int64(bitPattern: value) }
    }
    return nil
  }
}
