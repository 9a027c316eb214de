/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_notify: telling secondaries that the zone has changed (RFC 1996). Each
 * target is told at once, then again with growing pauses until it answers.
 * Sans-I/O: the caller has the sockets, the time and the randomness.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "proto/dns_msg.h"
#include "proto/dns_tsig.h"

#define DNS_NOTIFY_TARGETS_MAX 32
#define DNS_NOTIFY_FIRST_MS 1000  /* pause after the first try, then doubled */
#define DNS_NOTIFY_LAST_MS 600000 /* the longest pause */

struct dns_notify_target {
	bool pending;
	uint16_t id;
	unsigned tries;
	struct mono next;
	struct dns_tsig_session tsig;
};

struct dns_notify {
	struct dns_name apex;
	const struct dns_tsig_key *key; /* signs all; NULL: unsigned */
	dns_hmac_fn *hmac;
	struct dns_notify_target target[DNS_NOTIFY_TARGETS_MAX];
	size_t n;
};

/* n targets (at most DNS_NOTIFY_TARGETS_MAX), none pending. */
void dns_notify_init(struct dns_notify *d, const struct dns_name *apex,
	const struct dns_tsig_key *key, dns_hmac_fn *hmac, size_t n);

/* The zone has changed: every target is to be told, from now on. */
void dns_notify_begin(struct dns_notify *d, struct mono now);

/*
 * Writes the next message that is due into buf (DNS_UDP_MAX bytes) with the
 * unpredictable id, and says for which target; false: none is due.
 */
bool dns_notify_next(struct dns_notify *d, struct mono now,
	struct unix_time utc, uint16_t id, void *buf, size_t *n,
	size_t *target);

/*
 * Takes a packet that came from a target; true if it was its answer, which
 * ends the telling, whatever its rcode.
 */
bool dns_notify_take(struct dns_notify *d, size_t target, struct unix_time utc,
	struct str msg, unsigned *rcode);
