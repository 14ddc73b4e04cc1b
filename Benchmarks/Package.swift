// swift-tools-version: 6.2

import Foundation
import PackageDescription

/// What the library's own targets are compiled with.
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

func ours(_ name: String) -> Target.Dependency { .product(name: name, package: "swift-smtp-submission") }

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "smtp-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "swift-smtp-submission", path: ".."),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
  ],
  targets: [
    .executableTarget(
      name: "bench-server",
      dependencies: [
        ours("MailModel"), ours("SMTPProtocol"), ours("SMTPAuth"), ours("AccessControl"), ours("SMTPSubmission"),
        ours("SMTPListener"), ours("DeliveryQueue"), ours("SMTPDelivery"), ours("SQLiteStorage"), arguments,
        lifecycle, logging, nioCore, nioPosix, signals,
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "bench-client",
      dependencies: [
        ours("MailModel"), ours("SMTPProtocol"), ours("SMTPListener"), arguments, lifecycle, logging, nioCore, nioPosix,
        nioTLS, nioSSL,
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "bench-store",
      dependencies: [ours("MailModel"), ours("DeliveryQueue"), ours("SQLiteStorage"), arguments, logging],
      swiftSettings: settings),
    .executableTarget(
      name: "bench-scheduler", dependencies: [ours("MailModel"), ours("DeliveryQueue"), arguments],
      packageAccess: false, swiftSettings: settings + inside),
    .executableTarget(
      name: "bench-verification",
      dependencies: [ours("MailModel"), ours("MailDNS"), ours("LibCrypto"), ours("DomainVerification"), arguments],
      swiftSettings: settings),
    .target(name: "CAllocationCount"),
    .executableTarget(
      name: "bench-protocol", dependencies: [ours("MailModel"), ours("SMTPProtocol"), "CAllocationCount"],
      swiftSettings: settings),
  ]
)
