/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include "base/mem.h"
#include "io/gzip.h"

#include "base/poison.h"

static const struct gzip_limits roomy = { 1u << 20, 1u << 20, 0 };

static struct str pack(struct arena *a, struct str text)
{
	struct str out = {};

	assert_int_equal(gzip_pack(a, text, &out), ST_OK);
	return out;
}

static struct str join(struct arena *a, struct str x, struct str y)
{
	struct sbuf b = sbuf_arena(a, 1u << 24);

	sbuf_add(&b, x);
	sbuf_add(&b, y);
	return sbuf_str(&b);
}

static void assert_unpacks(struct arena *a, struct str in, const char *want)
{
	struct gunzip *g = gunzip_new(roomy);
	struct sbuf b = sbuf_arena(a, 1u << 20);
	struct str out = {};

	assert_int_equal(gzip_unpack(a, in, roomy, &out, NULL), ST_OK);
	assert_str(out, want);
	/* The same, one byte at a time. */
	for (size_t i = 0; i < in.n; i++)
		assert_int_equal(
			gunzip_put(g, (struct str){ in.p + i, 1 }, &b, NULL),
			ST_OK);
	assert_int_equal(gunzip_end(g, NULL), ST_OK);
	assert_str(sbuf_str(&b), want);
	gunzip_free(&g);
	assert_null(g);
}

static void what_was_packed_unpacks(void **state)
{
	struct arena *a = arena_must(0);
	struct str one = pack(a, STR("{\"policies\":")),
		   two = pack(a, STR("[]}"));

	(void)state;
	assert_true(gzip_looks_like(one));
	assert_false(gzip_looks_like(STR("{")));
	assert_unpacks(a, one, "{\"policies\":");
	assert_unpacks(a, pack(a, STR("")), "");
	/* RFC 1952 section 2.2: several members are one text. */
	assert_unpacks(a, join(a, one, two), "{\"policies\":[]}");
	/* Line ends and padding behind the last member. */
	assert_unpacks(a, join(a, two, STR("\r\n")), "[]}");
	assert_unpacks(a, join(a, two, STR("\0\0\0\0")), "[]}");
	arena_free(&a);
}

/* More than one chunk of output from the last byte of input. */
static void output_larger_than_a_chunk(void **state)
{
	struct arena *a = arena_must(0);
	size_t n = 300000;
	char *p = arena_alloc(a, n);
	struct str out = {}, in;

	(void)state;
	memset(p, 'x', n);
	in = pack(a, (struct str){ p, n });
	assert_int_equal(gzip_unpack(a, in, roomy, &out, NULL), ST_OK);
	assert_int_equal(out.n, n);
	arena_free(&a);
}

static void damage_is_refused(void **state)
{
	struct arena *a = arena_must(0);
	struct str in = pack(a, STR("a text that is packed"));
	struct str out = {};
	struct err e = {};
	char *p;

	(void)state;
	assert_int_equal(
		gzip_unpack(a, STR("{\"policies\":[]}"), roomy, &out, &e),
		ST_INVALID);
	for (size_t n = 0; n < in.n; n++)
		assert_int_equal(
			gzip_unpack(a, str_upto(in, n), roomy, &out, &e),
			ST_INVALID);
	assert_string_equal(e.text, "the gzip data ends early (RFC 1952)");
	p = arena_alloc(a, in.n);
	memcpy(p, in.p, in.n);
	p[in.n - 8] ^= 1; /* the check sum */
	assert_int_equal(
		gzip_unpack(a, (struct str){ p, in.n }, roomy, &out, &e),
		ST_INVALID);
	assert_string_equal(
		e.text, "damaged gzip data: incorrect data check (RFC 1952)");
	assert_null(out.p);
	arena_free(&a);
}

static void floods_are_stopped(void **state)
{
	struct gzip_limits small = { 1000, 1u << 20, 0 };
	struct gzip_limits tame = { 1u << 30, 10, 1000 };
	struct arena *a = arena_must(0);
	char *zeros = arena_alloc(a, 100000);
	struct str out = {};
	struct err e = {};

	(void)state;
	assert_int_equal(gzip_unpack(a, pack(a, (struct str){ zeros, 1001 }),
				 small, &out, &e),
		ST_LIMIT);
	assert_string_equal(
		e.text, "the gzip data unpacks to more than 1000 bytes");
	assert_int_equal(gzip_unpack(a, pack(a, (struct str){ zeros, 1000 }),
				 small, &out, &e),
		ST_OK);
	assert_int_equal(gzip_unpack(a, pack(a, (struct str){ zeros, 1000 }),
				 tame, &out, &e),
		ST_OK);
	assert_int_equal(gzip_unpack(a, pack(a, (struct str){ zeros, 100000 }),
				 tame, &out, &e),
		ST_LIMIT);
	assert_string_equal(
		e.text, "the gzip data unpacks to more than 10 times its size");
	arena_free(&a);
}

static void every_allocation_may_fail(void **state)
{
	struct arena *a = arena_must(0);
	struct str in = pack(a, STR("text")), out = {};
	enum status st = ST_LIMIT;

	(void)state;
	for (unsigned long n = 1; st != ST_OK; n++) {
		struct arena *b = arena_must(0);

		mem_fail_at(n);
		st = gzip_unpack(b, in, roomy, &out, NULL);
		mem_fail_at(0);
		assert_true(st == ST_OK || st == ST_LIMIT);
		arena_free(&b);
	}
	st = ST_LIMIT;
	for (unsigned long n = 1; st != ST_OK; n++) {
		struct arena *b = arena_must(0);

		mem_fail_at(n);
		st = gzip_pack(b, in, &out);
		mem_fail_at(0);
		assert_true(st == ST_OK || st == ST_LIMIT);
		arena_free(&b);
	}
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_packed_unpacks),
		cmocka_unit_test(output_larger_than_a_chunk),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(floods_are_stopped),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
