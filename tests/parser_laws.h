/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_laws: what every parser must survive: its input cut at every offset
 * (each in a block of its own, so that a read beyond it is seen), and every
 * allocation failing once.
 */
#pragma once

#include "base/arena.h"
#include "base/mem.h"
#include "base/status.h"
#include "tests/testing.h"

typedef enum status (*law_parse)(struct arena *a, struct str text);

/* Parses text[0..n) for every n; the status does not matter. */
static inline void law_truncated(law_parse parse, struct str text)
{
	for (size_t n = 0; n <= text.n; n++) {
		struct arena *a = arena_must(0);
		char *copy = mem_must(n);
		enum status st;

		memcpy(copy, text.p, n);
		st = parse(a, (struct str){ copy, n });
		assert_true(st == ST_OK || st == ST_INVALID);
		mem_free(copy);
		arena_free(&a);
	}
}

/* Fails the first allocation, the second, ...: ST_LIMIT until it is ST_OK. */
static inline void law_no_memory(law_parse parse, struct str text)
{
	enum status st = ST_LIMIT;
	unsigned long n;

	for (n = 1; st == ST_LIMIT && n < 10000; n++) {
		struct arena *a;

		/* An arena one unit larger each time: every request fails once.
		 */
		a = arena_must(n * 16);
		st = parse(a, text);
		arena_free(&a);
	}
	assert_int_equal(st, ST_OK);
	st = ST_LIMIT;
	for (n = 1; st == ST_LIMIT && n < 10000; n++) {
		struct arena *a = arena_must(0);

		mem_fail_at(n);
		st = parse(a, text);
		mem_fail_at(0);
		arena_free(&a);
	}
	assert_int_equal(st, ST_OK);
	assert_true(n > 2);
}
