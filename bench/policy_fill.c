/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_fill: makes the cache file of a role policy that has fetched N
 * policies a moment ago: those of d000000.example, d000001.example ...
 *
 *     policy_fill FILE N
 */
#include <stdio.h>

#include "base/arena.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/num.h"
#include "cache/policy_cache.h"

#include "base/poison.h"

#define FLUSH_EACH 10000u  /* well within what may wait for the disk */
#define REFRESH_IN_S 43200 /* later than any run ends */
#define MAX_AGE_S "604800" /* and this, too */
#define POLICY                                                                 \
	"version: STSv1\nmode: enforce\nmx: mx1.example.com\n"                 \
	"mx: mx2.example.com\nmx: *.mail.example.net\nmax_age: " MAX_AGE_S     \
	"\n"

static void must(enum status st, const struct err *e)
{
	if (st != ST_OK)
		(void)fprintf(stderr, "policy_fill: %s\n", e->text);
	BUG(st != ST_OK);
}

static void flush(struct policy_cache *c)
{
	policy_change durable;
	struct err e = {};

	policy_cache_flush(c);
	must(policy_cache_settle(c, &durable, &e), &e);
}

static void fill(struct policy_cache *c, struct arena *a, uint32_t n)
{
	int64_t now = clock_now(clock_system()).s;
	struct policy_entry entry = { .id = STR("1"),
		.text = STR(POLICY),
		.fetched_at = now,
		.first_seen = now,
		.used_at = now,
		.next_refresh = now + REFRESH_IN_S };
	struct err e = {};

	must(sts_policy_parse(a, entry.text, &entry.policy, NULL), &e);
	for (uint32_t i = 0; i < n; i++) {
		entry.domain = arena_fmt(a, "d%06u.example", i);
		must(policy_cache_put(c, &entry, (struct str){}, now, NULL, &e),
			&e);
		if (i % FLUSH_EACH == 0)
			flush(c);
	}
	flush(c);
}

int main(int argc, char **argv)
{
	struct policy_cache_options options = POLICY_CACHE_DEFAULTS;
	struct policy_cache *c = NULL;
	struct arena *a = arena_must(0);
	struct err e = {};
	uint32_t n;
	int fd;

	if (argc != 3 || num_u32(str_of(argv[2]), 1, 10000000, &n) != ST_OK) {
		(void)fprintf(stderr, "usage: policy_fill FILE N\n");
		return 64;
	}
	options.no_sync = true;
	must(policy_cache_open(argv[1], &options, &c, &e), &e);
	policy_cache_start(c, &fd);
	fill(c, a, n);
	policy_cache_close(&c);
	arena_free(&a);
	return 0;
}
