/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dane_discover: finds out whether DANE applies to a next hop (RFC 7672
 * section 2.2): MX, then for each host A or AAAA, then TLSA.
 *
 * In short: nothing that is not signed leads to DANE; nothing that cannot be
 * looked up proves that there is none; a host that mail cannot reach does not
 * count. TLSA records none of which is usable make TLS mandatory, but
 * authenticate nobody: such a host is DANE_HOST_UNUSABLE, and the domain at
 * best DANE_SOME, because Postfix skips it at level dane-only and takes
 * encrypt for it at level dane.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "io/dns_lookup.h"
#include "io/loop.h"
#include "proto/dane.h"

#define DANE_MX_MAX 100	    /* hosts in the result */
#define DANE_HOSTS_MAX 32   /* of them looked up, by preference */
#define DANE_PARALLEL_MAX 4 /* hosts at a time */
#define DANE_TTL_MIN_S 60
#define DANE_TTL_MAX_S 3600
#define DANE_TTL_TEMP_S 30 /* of DANE_TEMP, and while DNSSEC is broken */

struct dane_discover_env {
	struct loop *loop;
	struct dns_lookups *lookups;
	int timeout_ms; /* for all of it */
};

struct dane_target {
	struct str host; /* as host_name_parse gives it */
	uint16_t port;	 /* of the TLSA records; 0: 25 */
	bool given_host; /* "[host]": no MX look-up, and mx_secure is true */
};

/* r and all in it live in the arena of the start. */
typedef void dane_discover_fn(void *ctx, const struct dane_result *r);

/* All zero: not running. Belongs to the caller and stays in its place. */
struct dane_discover {
	struct dane_run *run;
};

/*
 * env is copied; the arena must live until done was called or it is cancelled.
 * With DNSSEC off or broken it still looks up MX: the state is DANE_OFF then.
 */
void dane_discover_start(struct dane_discover *d,
	const struct dane_discover_env *env, struct arena *a,
	const struct dane_target *target, dane_discover_fn *done, void *ctx);

/* done will not be called. Not running: does nothing. */
void dane_discover_cancel(struct dane_discover *d);
