/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_notifier: watches the zone's serial and tells the secondaries when it has
 * moved (RFC 1996), once at the start too. Its sockets are opened when it is
 * made, before a sandbox closes.
 */
#pragma once

#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "io/addr.h"
#include "io/loop.h"
#include "proto/dns_source.h"
#include "proto/dns_tsig.h"

#define DNS_NOTIFIER_WATCH_MS 250 /* how soon a new serial is seen */

struct dns_notifier_options {
	const struct dns_source *source;
	const struct clock *clock;
	const struct dns_tsig_key *key; /* signs; NULL: unsigned */
	dns_hmac_fn *hmac;
	const struct addr *targets; /* copied */
	size_t n_targets;
	/* Where to send from, port ignored; NULL: as the kernel likes. */
	const struct addr *from_v4, *from_v6;
};

struct dns_notifier;

/* ST_LIMIT: too many targets; ST_PERM: no socket. What is borrowed stays so. */
enum status dns_notifier_open(const struct dns_notifier_options *options,
	struct dns_notifier **out, struct err *e);

/* Begins to watch and to tell. */
void dns_notifier_start(struct dns_notifier *d, struct loop *l);

/* Stops and closes; clears *d; NULL is allowed. */
void dns_notifier_close(struct dns_notifier **d);
