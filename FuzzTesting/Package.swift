// swift-tools-version: 6.2

import Foundation
import PackageDescription

/// As the root package compiles its own.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// What takes a target for one of the library's own package, so that it sees what is `package` there; to be used with
/// `packageAccess: false`, or SwiftPM says otherwise. It calls a package at a path by its folder's name.
let inside: [SwiftSetting] = {
  let folder = URL(fileURLWithPath: Context.packageDirectory).deletingLastPathComponent().lastPathComponent
  let name = folder.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "_" }
  return [.unsafeFlags(["-package-name", String(name)])]
}()

func root(_ product: String) -> Target.Dependency { .product(name: product, package: "swift-smtp-submission") }

let package = Package(
  name: "smtp-fuzz-testing",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "swift-smtp-submission", path: "..")],
  targets: [
    .target(
      name: "FuzzTargets",
      dependencies: [
        root("MailModel"), root("MailDNS"), root("LibCrypto"), root("SMTPProtocol"), root("DomainVerification"),
        root("SystemDNS"),
      ],
      packageAccess: false, swiftSettings: settings + inside),
    .executableTarget(name: "fuzz", dependencies: ["FuzzTargets"], swiftSettings: settings),
  ]
)
