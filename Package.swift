// swift-tools-version: 6.2

import PackageDescription

/// What every target of ours is compiled with.
let common: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// The leaves and the rooms that read bytes from outside also say where memory safety is theirs to keep.
let strict: [SwiftSetting] = common + [.strictMemorySafety()]

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let metricsTestKit = Target.Dependency.product(name: "MetricsTestKit", package: "swift-metrics")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

func library(_ name: String) -> Product { .library(name: name, targets: [name]) }

let package = Package(
  name: "swift-smtp-submission",
  platforms: [.macOS(.v15)],
  products: [
    library("MailModel"),
    library("MailDNS"),
    library("LibCrypto"),
    library("SMTPProtocol"),
    library("SMTPAuth"),
    library("DomainVerification"),
    library("AccessControl"),
    library("DeliveryQueue"),
    library("SMTPSubmission"),
    library("SMTPListener"),
    library("SMTPDelivery"),
    library("SystemDNS"),
    library("SQLiteStorage"),
    library("SMTPProtocolTesting"),
    library("SMTPTesting"),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
  ],
  targets: [
    // Leaves.
    .target(name: "MailModel", swiftSettings: strict),
    .target(name: "MailDNS", dependencies: ["MailModel"], swiftSettings: strict),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "LibCrypto", dependencies: ["COpenSSL"], swiftSettings: strict),

    // The rooms. They never import each other.
    .target(name: "SMTPProtocol", dependencies: ["MailModel"], swiftSettings: strict),
    .target(name: "SMTPAuth", dependencies: ["MailModel", "LibCrypto"], swiftSettings: strict),
    .target(
      name: "DomainVerification", dependencies: ["MailModel", "MailDNS", "LibCrypto"], swiftSettings: strict),
    .target(name: "AccessControl", dependencies: ["MailModel"], swiftSettings: strict),
    .target(name: "DeliveryQueue", dependencies: ["MailModel", logging, metrics, lifecycle], swiftSettings: strict),

    // Composition.
    .target(
      name: "SMTPSubmission",
      dependencies: [
        "MailModel", "LibCrypto", "SMTPProtocol", "SMTPAuth", "AccessControl", "DeliveryQueue", logging, metrics,
      ],
      swiftSettings: common),

    // What transports make of a session's answers: for those here, and those of a simulation.
    .target(
      name: "DeliveryReporting", dependencies: ["MailModel", "SMTPProtocol", "DeliveryQueue"], swiftSettings: strict),

    // Doors to the world.
    .target(
      name: "SMTPListener",
      dependencies: ["MailModel", "SMTPProtocol", nioCore, nioPosix, nioTLS, nioSSL, logging, lifecycle],
      swiftSettings: common),
    .target(
      name: "SMTPDelivery",
      dependencies: [
        "MailModel", "SMTPProtocol", "DeliveryQueue", "DeliveryReporting", nioCore, nioPosix, nioTLS, nioSSL,
      ],
      swiftSettings: common),
    .target(name: "CResolv", linkerSettings: [.linkedLibrary("resolv")]),
    .target(name: "SystemDNS", dependencies: ["MailModel", "MailDNS", "CResolv"], swiftSettings: strict),
    .target(
      name: "SQLiteStorage",
      dependencies: [
        "MailModel", "LibCrypto", "SMTPAuth", "AccessControl", "DeliveryQueue", "SMTPSubmission", grdb, sqlite, logging,
        metrics, lifecycle,
      ],
      swiftSettings: common),

    // For tests, ours and the host's.
    .target(name: "SMTPProtocolTesting", dependencies: ["MailModel", "SMTPProtocol"], swiftSettings: common),
    .target(
      name: "SMTPTesting",
      dependencies: [
        "MailModel", "MailDNS", "LibCrypto", "SMTPProtocol", "SMTPAuth", "AccessControl", "DeliveryQueue",
        "DeliveryReporting",
        "SMTPSubmission", "SMTPProtocolTesting", logging, lifecycle,
      ],
      swiftSettings: common),

    // Examples.
    .executableTarget(
      name: "submission-server",
      dependencies: [
        "MailModel", "LibCrypto", "SMTPAuth", "AccessControl", "DeliveryQueue", "SMTPSubmission", "SMTPListener",
        "SMTPDelivery", "SQLiteStorage", "SMTPProtocol", "MailDNS", "SystemDNS", "DomainVerification", arguments,
        logging, lifecycle, signals,
      ],
      path: "Examples/submission-server", swiftSettings: common),
    .executableTarget(
      name: "embedded-state-machine", dependencies: ["MailModel", "SMTPProtocol"],
      path: "Examples/embedded-state-machine", swiftSettings: common),
    .executableTarget(
      name: "in-memory-testing",
      dependencies: [
        "MailModel", "SMTPProtocol", "SMTPAuth", "AccessControl", "DeliveryQueue", "SMTPSubmission",
        "SMTPProtocolTesting", "SMTPTesting", logging, lifecycle,
      ],
      path: "Examples/in-memory-testing", swiftSettings: common),
    .executableTarget(
      name: "quick-start",
      dependencies: [
        "MailModel", "SMTPAuth", "SMTPProtocol", "DeliveryQueue", "SMTPSubmission", "SMTPListener", "SMTPDelivery",
        "SQLiteStorage", logging, lifecycle, signals,
      ],
      path: "Examples/quick-start", swiftSettings: common),

    // Tests.
    .testTarget(name: "MailModelTests", dependencies: ["MailModel"], swiftSettings: common),
    .target(name: "PeerTesting", path: "Tests/PeerTesting", swiftSettings: common),
    .testTarget(name: "MailDNSTests", dependencies: ["MailDNS", "MailModel", "SMTPTesting"], swiftSettings: common),
    .testTarget(
      name: "SystemDNSTests",
      dependencies: ["SystemDNS", "CResolv", "MailDNS", "MailModel", "SMTPTesting", "PeerTesting"],
      swiftSettings: common),
    .testTarget(
      name: "DomainVerificationTests",
      dependencies: [
        "DomainVerification", "MailDNS", "MailModel", "LibCrypto", "SystemDNS", "SMTPTesting", "PeerTesting",
      ],
      swiftSettings: common),
    .testTarget(name: "LibCryptoTests", dependencies: ["LibCrypto"], swiftSettings: common),
    .testTarget(
      name: "SMTPProtocolTests", dependencies: ["MailModel", "SMTPProtocol", "SMTPProtocolTesting"],
      swiftSettings: common),
    .testTarget(name: "SMTPAuthTests", dependencies: ["SMTPAuth", "LibCrypto"], swiftSettings: common),
    .testTarget(name: "AccessControlTests", dependencies: ["AccessControl", "MailModel"], swiftSettings: common),
    .testTarget(
      name: "DeliveryQueueTests",
      dependencies: ["DeliveryQueue", "MailModel", "SMTPTesting", logging, metrics, metricsTestKit, lifecycle],
      swiftSettings: common),
    .testTarget(
      name: "SMTPTestingTests",
      dependencies: [
        "SMTPTesting", "MailModel", "SMTPProtocol", "SMTPAuth", "AccessControl", "DeliveryQueue", "SMTPSubmission",
        "SMTPProtocolTesting", "PeerTesting", logging,
      ],
      swiftSettings: common),
    .testTarget(
      name: "SQLiteStorageTests",
      dependencies: [
        "SQLiteStorage", "DeliveryQueue", "MailModel", "SMTPAuth", "AccessControl", "SMTPSubmission", "SMTPTesting",
        grdb, logging, metrics, metricsTestKit,
      ],
      swiftSettings: common),
    .testTarget(
      name: "SMTPSubmissionTests",
      dependencies: [
        "SMTPSubmission", "SMTPProtocol", "SMTPAuth", "AccessControl", "DeliveryQueue", "MailModel", "LibCrypto",
        "SMTPProtocolTesting", "SMTPTesting", logging, metrics, metricsTestKit,
      ],
      swiftSettings: common),
    .testTarget(
      name: "SMTPListenerTests",
      dependencies: [
        "SMTPListener", "SMTPProtocol", "MailModel", "LibCrypto", "SMTPProtocolTesting", nioCore, nioPosix,
        nioEmbedded, nioSSL, logging, lifecycle,
      ],
      swiftSettings: common),
    .testTarget(
      name: "SMTPDeliveryTests",
      dependencies: [
        "SMTPDelivery", "SMTPProtocol", "DeliveryQueue", "DeliveryReporting", "MailModel", "LibCrypto", "SMTPTesting",
        "SMTPProtocolTesting", nioCore, nioPosix, nioSSL,
      ],
      swiftSettings: common),
    .testTarget(
      name: "IntegrationTests", dependencies: ["submission-server", "PeerTesting"], swiftSettings: common),
  ]
)
