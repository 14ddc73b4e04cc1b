// swift-tools-version: 6.2
import PackageDescription
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
func ours(_ name: String) -> Target.Dependency { .product(name: name, package: "framing") }
let package = Package(name: "smtp-benchmarks", platforms: [.macOS(.v15)], dependencies: [.package(path: "..")],
  targets: [
    .target(name: "CAllocationCount"),
    .executableTarget(name: "bench-protocol", dependencies: [ours("MailModel"), ours("SMTPProtocol"), "CAllocationCount"], swiftSettings: settings),
  ])
