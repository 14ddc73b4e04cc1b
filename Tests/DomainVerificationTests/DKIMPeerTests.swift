import Foundation
import LibCrypto
import MailDNS
import MailModel
import PeerTesting
import SMTPTesting
import Testing

@testable import DomainVerification

/// Others verify what we sign, and we what they sign: dkimpy, and OpenDKIM's library with keys from a file. Its tool,
/// opendkim-testmsg, signs with SHA-1 alone; ``DKIMTestmsgTests`` has it verify.
@Suite struct DKIMPeerTests {
  struct Job: Encodable {
    var peer: String
    var messages: [String] = []
    /// Names and TXT records.
    var keys: [String: String] = [:]
    /// What is to be signed with: header form, body form, algorithm, selector, domain, key.
    var signing: [[String]] = []
  }

  /// Debian's Python, which has the modules; another may come first in PATH.
  private static let python = "/usr/bin/python3"

  static func answers(_ job: Job) async throws -> [String] {
    let input = String(decoding: try JSONEncoder().encode(job), as: UTF8.self)
    let result = try await run(python, ["-c", dkimPeerScript], input: input)
    #expect(result.status == 0, "\(result.output)")
    return try JSONDecoder().decode([String].self, from: Data(result.output.utf8))
  }

  static func base64(_ octets: [UInt8]) -> String { DKIMTest.base64(octets) }

  static let cases = DKIMCanonicalization.allCases.flatMap { form in DKIMAlgorithm.allCases.map { (form, $0) } }

  /// What is odd in a message, for the peers to see it as we do.
  static let message =
    DKIMTest.message(
      "X-Odd:  folded\n \t  twice\n\tand again \t\nReferences: <1@b.example>\nReferences: <2@b.example>\n")
    + DKIMTest.plain + DKIMTest.message(".\n \n\n\t\n")

  @Test(.needs(.dkimverify, .opendkimTestmsg), arguments: ["dkimpy", "opendkim"])
  func `they verify ours`(_ peer: String) async throws {
    var job = Job(peer: peer)
    for algorithm in DKIMAlgorithm.allCases {
      job.keys["\(DKIMTestDomain.selector(algorithm))._domainkey.example.com"] = try DKIMTestKey.of(algorithm).record
    }
    for (form, algorithm) in Self.cases {
      let domain = try DKIMTestDomain([algorithm]) {
        $0.canonicalization = form
        $0.identity = "joe@mail.example.com"
      }
      job.messages.append(Self.base64(try await domain.sign(Self.message)))
    }
    let both = try await DKIMTestDomain().sign(Self.message)
    job.messages.append(Self.base64(both))
    // And what must not pass, so that a peer that says yes to everything is found out.
    job.messages.append(Self.base64(both + DKIMTest.message("PS\n")))
    job.messages.append(Self.base64(DKIMTest.message("Subject: another\n") + both))
    let expected = Self.cases.map { _ in "pass" } + ["pass pass", "fail fail", "fail fail"]
    let answers = try await Self.answers(job)
    #expect(answers == expected)
  }

  @Test(.needs(.dkimsign, .opendkimTestmsg), arguments: ["dkimpy", "opendkim"])
  func `we verify theirs`(_ peer: String) async throws {
    var job = Job(peer: peer, messages: [Self.base64(Self.message)])
    // OpenDKIM 2.11.0 beta 2 makes Ed25519 signatures of simple header fields that nobody verifies, dkimpy included.
    let cases = Self.cases.filter { peer == "dkimpy" || $0.0.header == .relaxed || $0.1 == .rsaSHA256 }
    for (form, algorithm) in cases {
      job.signing.append([
        form.header.rawValue, form.body.rawValue, algorithm.rawValue, DKIMTestDomain.selector(algorithm), "example.com",
        try Self.privateKey(algorithm, peer),
      ])
    }
    let domain = try DKIMTestDomain()
    let signed = try await Self.answers(job)
    #expect(signed.count == cases.count)
    for ((form, algorithm), text) in zip(cases, signed) {
      let message = Array(try #require(Data(base64Encoded: text)))
      let evaluation = await DKIMTest.verify(message, domain.dns, at: Timestamp(milliseconds: .max / 2))
      let signature = try #require(evaluation.signatures.first)
      #expect(signature.result == .pass, "\(form) \(algorithm) \(signature.findings)")
      #expect(signature.algorithm == algorithm.rawValue)
      let changed = await DKIMTest.verify(message + [97], domain.dns, at: Timestamp(milliseconds: .max / 2))
      #expect(changed.signatures.map(\.result) == [.fail])
    }
  }

  /// A key as a peer reads it: PEM, or for dkimpy the 32 octets of Ed25519, which end its PKCS#8 (RFC 8410 §7).
  static func privateKey(_ algorithm: DKIMAlgorithm, _ peer: String) throws -> String {
    let pem = String(decoding: try DKIMTestKey.of(algorithm).key.pem(), as: UTF8.self)
    guard algorithm == .ed25519SHA256, peer == "dkimpy" else { return pem }
    let encoded = pem.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()
    return try #require(Data(base64Encoded: encoded)).suffix(32).base64EncodedString()
  }
}

/// Verifies or signs the messages of a job, which comes as JSON, and prints a list of results.
private let dkimPeerScript = """
  import base64, ctypes, json, os, sys, tempfile
  job = json.load(sys.stdin)
  messages = [base64.b64decode(text) for text in job["messages"]]
  results = []

  def dkimpy():
      import dkim
      def dns(name, timeout=5):
          return job["keys"].get(name.decode().rstrip(".").lower(), "").encode()
      for message in messages if not job["signing"] else []:
          words = []
          for index in range(message.count(b"DKIM-Signature:")):
              try:
                  words.append("pass" if dkim.DKIM(message).verify(idx=index, dnsfunc=dns) else "fail")
              except dkim.DKIMException as error:
                  words.append("fail")
          results.append(" ".join(words))
      for header, body, algorithm, selector, domain, key in job["signing"]:
          field = dkim.sign(
              messages[0], selector.encode(), domain.encode(), key.encode(), signature_algorithm=algorithm.encode(),
              canonicalize=(header.encode(), body.encode()))
          results.append(base64.b64encode(field + messages[0]).decode())

  def opendkim():
      library = ctypes.CDLL("libopendkim.so.11")
      pointer, text, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
      for name in ["dkim_init", "dkim_verify", "dkim_sign"]: getattr(library, name).restype = pointer
      handle = pointer(library.dkim_init(None, None))
      forms = {"simple": 0, "relaxed": 1}
      algorithms = {"rsa-sha256": 1, "ed25519-sha256": 2}

      def set_option(option, value, count):
          assert library.dkim_options(handle, 1, option, value, size(count)) == 0

      def feed(dkim, message):
          header, body = message.split(b"\\r\\n\\r\\n", 1)
          assert library.dkim_chunk(dkim, text(header + b"\\r\\n\\r\\n"), size(len(header) + 4)) == 0
          assert library.dkim_chunk(dkim, text(body), size(len(body))) == 0
          assert library.dkim_chunk(dkim, None, size(0)) == 0

      with tempfile.NamedTemporaryFile("w") as keys:
          for name, value in job["keys"].items(): keys.write(name + " " + value + "\\n")
          keys.flush()
          set_option(6, ctypes.byref(ctypes.c_int(1)), 4)
          set_option(7, ctypes.create_string_buffer(keys.name.encode()), len(keys.name))
          for message in messages if not job["signing"] else []:
              state = ctypes.c_int()
              dkim = pointer(library.dkim_verify(handle, text(b"test"), None, ctypes.byref(state)))
              feed(dkim, message)
              library.dkim_eom(dkim, None)
              signatures, count = ctypes.POINTER(pointer)(), ctypes.c_int()
              library.dkim_getsiglist(dkim, ctypes.byref(signatures), ctypes.byref(count))
              words = []
              for index in range(count.value):
                  signature = pointer(signatures[index])
                  library.dkim_sig_process(dkim, signature)
                  passed = library.dkim_sig_getflags(signature) & 4 and library.dkim_sig_getbh(signature) == 0
                  words.append("pass" if passed else "fail")
              results.append(" ".join(words))
          for header, body, algorithm, selector, domain, key in job["signing"]:
              state = ctypes.c_int()
              dkim = pointer(library.dkim_sign(
                  handle, text(b"test"), None, text(key.encode()), text(selector.encode()), text(domain.encode()),
                  forms[header], forms[body], algorithms[algorithm], ctypes.c_long(-1), ctypes.byref(state)))
              assert state.value == 0, state.value
              feed(dkim, messages[0])
              assert library.dkim_eom(dkim, None) == 0
              field = ctypes.create_string_buffer(4096)
              assert library.dkim_getsighdr(dkim, field, size(4096), size(16)) == 0
              lines = field.value.replace(b"\\r\\n", b"\\n").replace(b"\\n", b"\\r\\n")
              results.append(base64.b64encode(b"DKIM-Signature: " + lines + b"\\r\\n" + messages[0]).decode())

  {"dkimpy": dkimpy, "opendkim": opendkim}[job["peer"]]()
  json.dump(results, sys.stdout)
  """
