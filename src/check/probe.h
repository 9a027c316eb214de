/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: one question of probe_client.h in, one answer out. It holds nothing
 * but the network: no database, no key, no view. Addresses of private networks
 * are refused, so that nobody can use it to reach inside.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"
#include "io/resolver.h"

/* Caps on what one question may cause. */
#define PROBE_SERVERS_MAX 8	   /* name servers asked */
#define PROBE_ADDRESSES_MAX 4	   /* addresses of one host */
#define PROBE_CNAMES_MAX 8	   /* hops */
#define PROBE_BODY_BYTES_MAX 65536 /* RFC 8461 section 3.3 */

struct probe_options {
	struct resolver_options resolver;
	bool allow_private;
	uint16_t dns_port, http_port, https_port;
	const char *ca_file; /* NULL: the system's */
	int timeout_ms;	     /* for the whole question */
	/* Asked now and then; true gives up. May be NULL. */
	bool (*stop)(void *ctx);
	void *stop_ctx;
};

struct probe;

/* One per thread; o is borrowed. Statuses as resolver_open. */
enum status probe_open(
	const struct probe_options *o, struct probe **out, struct err *e);
void probe_close(struct probe **p);

/*
 * Answers a question. It always writes a JSON object, at worst the result
 * unknown with the reason.
 */
void probe_run(struct probe *p, struct arena *a, struct str question,
	struct sbuf *answer);
