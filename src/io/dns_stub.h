/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_stub: one question to whichever of a few recursive servers replies, on
 * the loop: over UDP, over TCP when the reply is cut (RFC 7766), then the next
 * server. What matches neither the socket's server nor id nor question is no
 * reply (RFC 5452).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "io/addr.h"
#include "io/dns_reply.h"
#include "io/loop.h"

#define DNS_STUB_SERVERS_MAX 8
#define DNS_STUB_SOCKETS_MAX 256 /* more questions share them */
#define DNS_STUB_SOCKET_USES 16	 /* then a fresh source port */
#define DNS_STUB_TRY_MS 1500	 /* for the first try; then twice as long */
#define DNS_STUB_TRY_MAX_MS 6000
#define DNS_STUB_REFUSED_MS 500 /* when every server refuses packets */
#define DNS_STUB_DOWN_MS 10000	/* a silent server is asked last */

struct dns_stub;

struct dns_stub *dns_stub_new(struct loop *l);

/* All questions must have been cancelled. Clears *s; NULL is allowed. */
void dns_stub_free(struct dns_stub **s);

/*
 * At most DNS_STUB_SERVERS_MAX, in order of preference; copied. Questions that
 * are under way wait for the old ones until their next try.
 */
void dns_stub_set_servers(
	struct dns_stub *s, const struct addr *servers, size_t n);

/*
 * ST_OK: msg is a reply to the question with rcode NOERROR or NXDOMAIN, which
 * dns_reply_read can read; ST_TEMP: none came, or every server said something
 * else. All borrowed.
 */
typedef void dns_stub_fn(void *ctx, enum status st, struct str msg,
	const struct dns_reply *reply, const struct err *e);

/* All zero: not running. Belongs to the caller and stays in its place. */
struct dns_stub_ask {
	struct dns_stub *stub; /* NULL: not running */
	const struct dns_question *question;
	bool dnssec;
	uint16_t id;
	struct mono deadline;
	unsigned tries;
	unsigned answered; /* bit per server: no use asking it again */
	unsigned rcode;	   /* of the last of them */
	size_t server;
	struct dns_stub_socket *socket;
	struct dns_stub_ask *next, *prev; /* on the socket */
	struct dns_stub_tcp *tcp;
	struct loop_timer timer;
	dns_stub_fn *done;
	void *ctx;
};

/* The question is borrowed. dnssec: with AD and DO set (RFC 6840). */
void dns_stub_ask_start(struct dns_stub_ask *k, struct dns_stub *s,
	const struct dns_question *question, bool dnssec, struct mono deadline,
	dns_stub_fn *done, void *ctx);
void dns_stub_ask_cancel(struct dns_stub_ask *k);

struct dns_stub_counts {
	uint64_t sent, retried, tcp;
	uint64_t ignored; /* packets that match no question */
};

struct dns_stub_counts dns_stub_counts(const struct dns_stub *s);
