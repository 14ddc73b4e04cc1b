// The server that bench-server is compared with: go-smtp, in front of a backend that accepts everybody and counts what
// comes.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"sync/atomic"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// octets of content in all.
var octets int64

// session takes every message and every password.
type session struct{}

func (session) Mail(from string, options *smtp.MailOptions) error { return nil }
func (session) Rcpt(to string, options *smtp.RcptOptions) error   { return nil }
func (session) Reset()                                            {}
func (session) Logout() error                                     { return nil }

func (session) Data(content io.Reader) error {
	count, err := io.Copy(io.Discard, content)
	atomic.AddInt64(&octets, count)
	return err
}

func (session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (session) Auth(mechanism string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(identity, username, password string) error { return nil }), nil
}

func main() {
	port := flag.Int("port", 2525, "the port")
	certificate := flag.String("certificate", "", "the certificate for STARTTLS, in PEM; none: no STARTTLS")
	key := flag.String("key", "", "its key")
	flag.Parse()

	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return session{}, nil }))
	server.Domain = "bench.example.com"
	server.MaxMessageBytes = 31_457_280
	server.MaxRecipients = 1_000
	if *certificate != "" {
		pair, err := tls.LoadX509KeyPair(*certificate, *key)
		if err != nil {
			log.Fatal(err)
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Listening on", listener.Addr())
	log.Fatal(server.Serve(listener))
}
