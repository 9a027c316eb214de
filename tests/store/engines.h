/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engines: runs one suite on every database engine there is. A suite is a
 * table of cmocka tests whose state is a struct engine with a fresh database.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bug.h"
#include "store/store.h"
#include "tests/testing.h"

struct engine {
	char dir[64];
	char target[96]; /* for store_open */
	struct store *s;
	struct arena *a;
	struct err e;
};

#define OK(call)                                                               \
	do {                                                                   \
		enum status st_ = (call);                                      \
		if (st_ != ST_OK)                                              \
			print_error("%s: %s\n", #call, t->e.text);             \
		assert_int_equal(st_, ST_OK);                                  \
	} while (0)

static int sqlite_setup(void **state)
{
	struct engine *t = calloc(1, sizeof(*t));

	(void)snprintf(t->dir, sizeof(t->dir), "/tmp/moat-store-XXXXXX");
	BUG(mkdtemp(t->dir) == NULL);
	(void)snprintf(t->target, sizeof(t->target), "%s/moat.db", t->dir);
	t->a = arena_must(0);
	OK(store_open(t->target, &t->s, &t->e));
	*state = t;
	return 0;
}

static int sqlite_teardown(void **state)
{
	static const char *const files[] = { "moat.db", "moat.db-wal",
		"moat.db-shm" };
	struct engine *t = *state;

	store_close(&t->s);
	arena_free(&t->a);
	for (size_t i = 0; i < 3; i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s/%s", t->dir, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(t->dir);
	free(t);
	return 0;
}

/* Engines that are not there yet get their row here. */
static const struct {
	const char *name;
	CMFixtureFunction setup, teardown;
} engines[] = {
	{ "sqlite", sqlite_setup, sqlite_teardown },
};

static inline int run_on_engines(
	const char *suite, const struct CMUnitTest *tests, size_t n)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		struct CMUnitTest *copy = calloc(n, sizeof(*copy));
		char group[64];

		memcpy(copy, tests, n * sizeof(*copy));
		for (size_t k = 0; k < n; k++) {
			copy[k].setup_func = engines[i].setup;
			copy[k].teardown_func = engines[i].teardown;
		}
		(void)snprintf(group, sizeof(group), "%s on %s", suite,
			engines[i].name);
		failed += _cmocka_run_group_tests(group, copy, n, NULL, NULL);
		free(copy);
	}
	return failed;
}

#define RUN_ON_ENGINES(suite, tests)                                           \
	run_on_engines(suite, tests, sizeof(tests) / sizeof((tests)[0]))

/* A domain with all that must not be empty. */
static inline struct store_domain domain_of(
	const char *tenant, const char *name, const char *label)
{
	return (struct store_domain){
		.tenant = str_of(tenant),
		.name = str_of(name),
		.label = str_of(label),
		.token = STR("tok"),
		.created = 1000,
		.mode = STORE_MODE_TESTING,
		.max_age = 86400,
	};
}
