#include "CResolv.h"

#include <errno.h>

#if !defined(__GLIBC__)

// The other C libraries have no resolver whose name servers can be chosen the same way.
cresolv_reply cresolv_ask(const char *name, uint16_t type, const cresolv_options *options, uint8_t *answer, int capacity) {
  (void)name, (void)type, (void)options, (void)answer, (void)capacity;
  return (cresolv_reply){.response_code = -1, .error = ENOSYS};
}

#else

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <poll.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef RES_TRUSTAD
#error "glibc 2.31 or later is needed, for RES_TRUSTAD"
#endif

// MARK: - Name servers

/// Puts these servers in the place of resolv.conf's. An IPv6 address lives on the heap, where res_nclose frees it.
static int use_servers(struct __res_state *state, const cresolv_options *options) {
  for (int i = 0; i < MAXNS; i++) {
    free(state->_u._ext.nsaddrs[i]);
    state->_u._ext.nsaddrs[i] = NULL;
    state->_u._ext.nssocks[i] = -1;
  }
  state->_u._ext.nscount = 0;
  state->nscount = 0;
  for (int i = 0; i < options->server_count && i < MAXNS && i < CRESOLV_SERVERS; i++) {
    const cresolv_server *server = &options->servers[i];
    memset(&state->nsaddr_list[i], 0, sizeof state->nsaddr_list[i]);
    if (server->is_ipv6) {
      struct sockaddr_in6 *address = calloc(1, sizeof *address);
      if (!address) return -1;
      address->sin6_family = AF_INET6;
      address->sin6_port = htons(server->port);
      for (int octet = 0; octet < 16; octet++) {
        uint64_t half = octet < 8 ? server->high : server->low;
        address->sin6_addr.s6_addr[octet] = (uint8_t)(half >> (56 - 8 * (octet % 8)));
      }
      state->_u._ext.nsaddrs[i] = address;  // its family of 0 in nsaddr_list says to look here
    } else {
      state->nsaddr_list[i].sin_family = AF_INET;
      state->nsaddr_list[i].sin_port = htons(server->port);
      state->nsaddr_list[i].sin_addr.s_addr = htonl((uint32_t)server->low);
    }
    state->nscount = i + 1;
  }
  return 0;
}

static const struct sockaddr *server_at(const struct __res_state *state, int index) {
  if (state->nsaddr_list[index].sin_family == AF_INET) return (const struct sockaddr *)&state->nsaddr_list[index];
  return (const struct sockaddr *)state->_u._ext.nsaddrs[index];
}

static int is_loopback(const struct sockaddr *server) {
  if (!server) return 0;
  if (server->sa_family == AF_INET) return ntohl(((const struct sockaddr_in *)server)->sin_addr.s_addr) >> 24 == 127;
  return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)server)->sin6_addr);
}

static int is_trusted(const struct __res_state *state, const cresolv_options *options) {
  if (options->trust != CRESOLV_TRUST_AUTOMATIC) return options->trust == CRESOLV_TRUST_ALWAYS;
  if (options->server_count == 0 && (state->options & RES_TRUSTAD)) return 1;
  for (int i = 0; i < state->nscount; i++) {
    if (!is_loopback(server_at(state, i))) return 0;
  }
  return state->nscount > 0;
}

// MARK: - TCP

// libresolv would follow a truncated answer over TCP by itself, but waits without end there.

static int64_t milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int wait_until(int64_t end, int socket, short events) {
  struct pollfd ready = {.fd = socket, .events = events};
  for (;;) {
    int64_t left = end - milliseconds();
    int count = left > 0 ? poll(&ready, 1, (int)left) : 0;
    if (count > 0) return 0;
    if (count == 0) errno = ETIMEDOUT;
    if (count == 0 || errno != EINTR) return -1;
  }
}

static int connect_until(int64_t end, int socket, const struct sockaddr *server) {
  socklen_t size = server->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
  if (connect(socket, server, size) == 0) return 0;
  if (errno != EINPROGRESS || wait_until(end, socket, POLLOUT) < 0) return -1;
  int error = 0;
  socklen_t count = sizeof error;
  if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &count) < 0) return -1;
  errno = error;
  return error == 0 ? 0 : -1;
}

static int send_until(int64_t end, int socket, const uint8_t *octets, size_t count) {
  while (count > 0) {
    ssize_t sent = send(socket, octets, count, MSG_NOSIGNAL);
    if (sent > 0) {
      octets += sent, count -= (size_t)sent;
    } else if (errno == EAGAIN) {
      if (wait_until(end, socket, POLLOUT) < 0) return -1;
    } else if (errno != EINTR) {
      return -1;
    }
  }
  return 0;
}

static int receive_until(int64_t end, int socket, uint8_t *octets, size_t count) {
  while (count > 0) {
    if (wait_until(end, socket, POLLIN) < 0) return -1;
    ssize_t received = recv(socket, octets, count, 0);
    if (received > 0) {
      octets += received, count -= (size_t)received;
    } else if (received == 0) {
      errno = ECONNRESET;
      return -1;
    } else if (errno != EAGAIN && errno != EINTR) {
      return -1;
    }
  }
  return 0;
}

/// One query and its answer, each behind its length (RFC 1035 §4.2.2). The octets of the answer, or -1.
static int exchange_on(int socket, int64_t end, const struct sockaddr *server, const uint8_t *query, int length,
                       uint8_t *answer, int capacity) {
  uint8_t framed[2 + NS_PACKETSZ] = {(uint8_t)(length >> 8), (uint8_t)length};
  memcpy(framed + 2, query, (size_t)length);
  uint8_t prefix[2];
  if (connect_until(end, socket, server) < 0 || send_until(end, socket, framed, 2 + (size_t)length) < 0 ||
      receive_until(end, socket, prefix, sizeof prefix) < 0)
    return -1;
  int size = prefix[0] << 8 | prefix[1];
  int count = size < capacity ? size : capacity;
  if (receive_until(end, socket, answer, (size_t)count) < 0) return -1;
  if (count < NS_HFIXEDSZ || memcmp(answer, query, 2) != 0) {
    errno = EBADMSG;
    return -1;
  }
  if (count < size) answer[2] |= 0x02;  // TC
  return count;
}

// MARK: - Asking

static int is_response(const uint8_t *answer, const uint8_t *query) {
  return (answer[2] & 0x80) && memcmp(answer, query, 2) == 0;
}

static int response_code(const uint8_t *answer) { return answer[3] & 0x0F; }

static int is_declined(const uint8_t *answer) {
  int code = response_code(answer);
  return code == ns_r_formerr || code == ns_r_servfail || code == ns_r_notimpl || code == ns_r_refused;
}

static int ask_over_tcp(const struct __res_state *state, const uint8_t *query, int length, uint8_t *answer, int capacity) {
  int declined = 0;
  for (int i = 0; i < state->nscount; i++) {
    const struct sockaddr *server = server_at(state, i);
    int tcp = server ? socket(server->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (tcp < 0) continue;
    int64_t end = milliseconds() + (int64_t)state->retrans * 1000;
    int count = exchange_on(tcp, end, server, query, length, answer, capacity);
    int error = errno;
    close(tcp);
    errno = error;
    if (count > 0 && !is_declined(answer)) return count;
    declined = count > 0;
  }
  if (!declined) memset(answer, 0, NS_HFIXEDSZ);
  return -1;
}

static int make_query(struct __res_state *state, const char *name, uint16_t type, const cresolv_options *options,
                      uint8_t query[NS_PACKETSZ]) {
  const uint8_t opt[11] = {0, 0, ns_t_opt, (uint8_t)(options->payload >> 8), (uint8_t)options->payload};
  int length = res_nmkquery(state, ns_o_query, name, ns_c_in, type, NULL, 0, NULL, query, NS_PACKETSZ - (int)sizeof opt);
  if (length < NS_HFIXEDSZ) return -1;
  // libresolv's own ID comes from the clock.
  query[0] = (uint8_t)(options->identifier >> 8);
  query[1] = (uint8_t)options->identifier;
  if (options->payload == 0) return length;
  memcpy(query + length, opt, sizeof opt);
  query[11] = 1;  // ARCOUNT
  return length + (int)sizeof opt;
}

static cresolv_reply ask(struct __res_state *state, const char *name, uint16_t type, const cresolv_options *options,
                         uint8_t *answer, int capacity) {
  cresolv_reply reply = {.is_trusted = is_trusted(state, options), .response_code = -1};
  int over_tcp = (state->options & RES_USEVC) != 0;
  state->retrans = options->timeout_seconds;
  state->retry = options->tries;
  state->options &= ~(unsigned long)(RES_USEVC | RES_TRUSTAD);
  // With RES_USE_EDNS0 a FORMERR without a question, as old servers send it, ends the waiting.
  state->options |= RES_RECURSE | RES_IGNTC | RES_USE_EDNS0;
  // Without RES_TRUSTAD libresolv clears AD in the answer.
  if (reply.is_trusted) state->options |= RES_TRUSTAD;

  uint8_t query[NS_PACKETSZ];
  int length = make_query(state, name, type, options, query);
  if (length < 0) {
    reply.error = EINVAL;
    return reply;
  }
  // Where libresolv gives up, the header that it leaves tells a server that declined from silence.
  memset(answer, 0, NS_HFIXEDSZ);
  int count = over_tcp ? -1 : res_nsend(state, query, length, answer, capacity);
  if (count > capacity) count = capacity;
  if (over_tcp || (count >= NS_HFIXEDSZ && (answer[2] & 0x02)))
    count = ask_over_tcp(state, query, length, answer, capacity);
  if (count >= NS_HFIXEDSZ) {
    reply.count = count;
  } else {
    reply.error = errno;
    if (is_response(answer, query)) reply.response_code = response_code(answer);
  }
  return reply;
}

cresolv_reply cresolv_ask(const char *name, uint16_t type, const cresolv_options *options, uint8_t *answer, int capacity) {
  cresolv_reply reply = {.response_code = -1, .error = EINVAL};
  if (capacity < NS_PACKETSZ || options->timeout_seconds < 1 || options->tries < 1) return reply;
  struct __res_state state;
  memset(&state, 0, sizeof state);
  if (res_ninit(&state) != 0) {
    reply.error = errno;
    return reply;
  }
  if (options->server_count > 0 && use_servers(&state, options) != 0) {
    reply.error = ENOMEM;
  } else {
    reply = ask(&state, name, type, options, answer, capacity);
  }
  res_nclose(&state);
  return reply;
}

#endif
