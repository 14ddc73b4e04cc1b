#ifndef CRESOLV_H
#define CRESOLV_H

#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/// Most name servers that libresolv asks (MAXNS).
enum { CRESOLV_SERVERS = 3 };

/// Where a name server listens.
typedef struct {
  uint64_t high, low;  ///< The bits of its address, the first octet highest; those of an IPv4 address end `low`.
  uint16_t port;
  uint8_t is_ipv6;
} cresolv_server;

/// When an answer's AD bit counts.
typedef enum {
  CRESOLV_TRUST_NEVER,
  CRESOLV_TRUST_AUTOMATIC,  ///< All name servers are on loopback, or resolv.conf has `options trust-ad`.
  CRESOLV_TRUST_ALWAYS,
} cresolv_trust;

typedef struct {
  cresolv_server servers[CRESOLV_SERVERS];
  int server_count;  ///< 0: those of resolv.conf.
  int timeout_seconds;
  int tries;
  cresolv_trust trust;
  uint16_t payload;     ///< Octets of a datagram that we take, told by EDNS (RFC 6891 §6.2.3); 0: no EDNS.
  uint16_t identifier;  ///< ID of the query, to be unguessable.
} cresolv_options;

typedef struct {
  int count;          ///< Octets of the answer; 0: there is none.
  int is_trusted;     ///< Whether the answer's AD bit counts.
  int response_code;  ///< Where there is no answer: the RCODE with which the last name server declined; -1: none did.
  int error;          ///< Where there is no answer: errno.
} cresolv_reply;

/// Puts one question in class IN and waits: over UDP, and over TCP if the answer is truncated there.
///
/// An answer is any message with our ID but one that says FORMERR, SERVFAIL, NOTIMP or REFUSED, upon which the next server is asked. It
/// is truncated (TC) where it is larger than `capacity`. One exchange lasts at most (tries + 1) x servers x timeout.
///
/// `name` is text as in master files. `capacity` is 512 to 65535.
cresolv_reply cresolv_ask(const char *name, uint16_t type, const cresolv_options *options, uint8_t *answer, int capacity);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
