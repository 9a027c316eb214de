/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_source: where answers come from, as a table of functions, so that the
 * protocol is tested with a zone in memory and served from the view.
 *
 * Results live in the caller's arena (or longer). Every function returns ST_OK,
 * ST_TEMP (no data right now: SERVFAIL) or ST_LIMIT (the arena is full), and
 * what is said at it. Owners are lower-case text without trailing dot.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"
#include "proto/dns_name.h"
#include "proto/dns_rr.h"

enum dns_node_kind {
	DNS_NODE_MISSING, /* NXDOMAIN */
	DNS_NODE_EMPTY,	  /* an empty non-terminal */
	DNS_NODE_RECORDS,
};

struct dns_node {
	struct str owner; /* only set by walk */
	enum dns_node_kind kind;
	const struct dns_rrset *sets;
	size_t n;
};

struct dns_zone {
	uint32_t serial;
	uint32_t soa_ttl;
	struct str soa; /* rdata, with this serial */
};

struct dns_change {
	struct str owner;
	uint16_t type;
	uint32_t ttl;
	struct str rdata;
};

/* One step of the zone (RFC 1995); the first of each list is its SOA. */
struct dns_step {
	uint32_t from, to;
	const struct dns_change *deleted, *added;
	size_t n_deleted, n_added;
};

struct dns_source {
	void *ctx;
	struct dns_name apex;

	enum status (*zone)(void *ctx, struct arena *a, struct dns_zone *out);

	/* owner is in the zone. The apex need not list its SOA. */
	enum status (*lookup)(void *ctx, struct arena *a,
		const struct dns_name *owner, struct dns_node *out);

	/*
	 * Up to max owners with records behind *after (empty: from the first),
	 * which is moved to the last of them; *n == 0 at the end. ST_AGAIN: the
	 * zone is no longer at serial.
	 */
	enum status (*walk)(void *ctx, struct arena *a, uint32_t serial,
		struct str *after, size_t max, const struct dns_node **out,
		size_t *n);

	/* The step that begins at serial; ST_NOTFOUND: not kept. */
	enum status (*step)(void *ctx, struct arena *a, uint32_t serial,
		struct dns_step *out);
};
