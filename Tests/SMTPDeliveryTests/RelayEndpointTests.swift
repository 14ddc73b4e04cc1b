import MailModel
import SMTPDelivery
import Testing

@Suite("A relay's endpoint")
struct RelayEndpointTests {
  @Test(arguments: ["mail.example.com:587", "localhost:1", "192.0.2.1:25", "[2001:db8::1]:65535"])
  func good(_ text: String) { #expect(RelayEndpoint(text)?.description == text) }

  @Test(arguments: [
    "", ":", ":25", "mail.example.com", "mail.example.com:", "mail.example.com:0", "mail.example.com:65536",
    "mail.example.com:-1", "mail example.com:25", "2001:db8::1:25", "[192.0.2.1]:25", "[mail.example.com]:25",
    "[2001:db8::1]", "[]:25", "mail.example.com:25 ", "a\r\nb:25",
  ])
  func bad(_ text: String) { #expect(RelayEndpoint(text) == nil) }
}
