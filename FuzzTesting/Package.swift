// swift-tools-version: 6.2

import PackageDescription

/// As the root package compiles its own.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func root(_ product: String) -> Target.Dependency { .product(name: product, package: "swift-smtp-submission") }

let package = Package(
  name: "smtp-fuzz-testing",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "swift-smtp-submission", path: "..")],
  targets: [
    .target(name: "FuzzTargets", dependencies: [root("MailModel"), root("SMTPProtocol")], swiftSettings: settings),
    .executableTarget(name: "fuzz", dependencies: ["FuzzTargets"], swiftSettings: settings),
  ]
)
