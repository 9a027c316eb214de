/* SPDX-License-Identifier: Apache-2.0 */
/* fixture: a policy cache in a folder of its own. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/policy_cache.h"
#include "tests/io/tmpdir.h"

#define OK(call)                                                               \
	do {                                                                   \
		enum status st_ = (call);                                      \
		if (st_ != ST_OK)                                              \
			print_error("%s: %s\n", #call, t->e.text);             \
		assert_int_equal(st_, ST_OK);                                  \
	} while (0)

#define NOW 1800000000
#define WEEK (7 * 86400)

struct fixture {
	char dir[64], path[96];
	struct policy_cache_options opt;
	struct policy_cache *c;
	int fd;
	struct arena *a;
	struct err e;
};

static inline int fixture_setup(void **state)
{
	struct fixture *t = calloc(1, sizeof(*t));

	(void)snprintf(t->dir, sizeof(t->dir), "/tmp/moat-cache-XXXXXX");
	tmpdir_make(t->dir);
	(void)snprintf(t->path, sizeof(t->path), "%s/policy.mdb", t->dir);
	t->opt = POLICY_CACHE_DEFAULTS;
	t->opt.no_sync = true;
	t->opt.max_bytes = 64 << 20;
	t->a = arena_must(0);
	OK(policy_cache_open(t->path, &t->opt, &t->c, &t->e));
	policy_cache_start(t->c, &t->fd);
	*state = t;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *t = *state;

	policy_cache_close(&t->c);
	arena_free(&t->a);
	tmpdir_remove(t->dir);
	free(t);
	return 0;
}

/* As after a restart. */
static inline void fixture_reopen(struct fixture *t)
{
	policy_cache_close(&t->c);
	OK(policy_cache_open(t->path, &t->opt, &t->c, &t->e));
	policy_cache_start(t->c, &t->fd);
}

static inline struct policy_entry entry_of(const char *domain)
{
	static struct str mx[] = { { "mx.example.net", 14 },
		{ "*.example.org", 13 } };

	return (struct policy_entry){
		.domain = str_of(domain),
		.id = STR("20261121"),
		.policy = { STS_POLICY_VALID, STS_MODE_ENFORCE, WEEK, mx, 2 },
		.text = STR("version: STSv1\r\n"),
		.fetched_at = NOW,
		.first_seen = NOW - 5,
		.used_at = NOW,
		.next_refresh = NOW + 86400,
	};
}

static inline void put(struct fixture *t, const char *domain)
{
	struct policy_entry entry = entry_of(domain);

	OK(policy_cache_put(t->c, &entry, (struct str){}, NOW, NULL, &t->e));
}

static inline void settle(struct fixture *t)
{
	policy_change durable;

	policy_cache_flush(t->c);
	OK(policy_cache_settle(t->c, &durable, &t->e));
}

static inline bool has(struct fixture *t, const char *domain)
{
	struct policy_entry entry;
	enum status st = policy_cache_get(t->c, t->a, str_of(domain), &entry);

	assert_true(st == ST_OK || st == ST_NOTFOUND);
	return st == ST_OK;
}
