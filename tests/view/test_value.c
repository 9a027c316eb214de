/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the view: write then read, cut at every byte, false counts. */
#include "tests/testing.h"
#include "view/view_value.h"

#include "base/poison.h"

static unsigned char bytes[4096];

static struct str host_value(void)
{
	struct wire_out out = wire_out_of(bytes, sizeof(bytes));
	struct str chain[] = { STR("leaf"), STR("issuer") };
	struct view_http01 http[] = { { STR("t"), STR("t.k") } };
	struct view_host h = { .tenant = STR("default"),
		.policy = STR(""),
		.chain = chain,
		.n_chain = 2,
		.http01 = http,
		.n_http01 = 1 };

	view_host_write(&out, &h);
	assert_false(out.failed);
	return wire_out_str(&out);
}

static struct str name_value(void)
{
	struct wire_out out = wire_out_of(bytes, sizeof(bytes));
	struct str rdata[] = { STR("one"), STR("two") };
	struct view_rrset sets[] = { { 16, 60, rdata, 2 }, { 1, 5, rdata, 1 } };
	struct view_name n = { STR("a.example"), VIEW_NAME_RECORDS, sets, 2 };

	view_name_write(&out, &n);
	assert_false(out.failed);
	return wire_out_str(&out);
}

static void empty_is_not_absent(void **state)
{
	struct arena *a = arena_must(0);
	struct view_host h;

	(void)state;
	assert_int_equal(view_host_read(a, host_value(), &h), ST_OK);
	assert_non_null(h.policy.p);
	assert_int_equal(h.policy.n, 0);
	assert_null(h.alpn_cert.p);
	assert_str(h.chain[1], "issuer");
	arena_free(&a);
}

static void every_cut_is_refused(void **state)
{
	struct arena *a = arena_must(0);
	struct str v = host_value();
	struct view_host h;
	struct view_name n;

	(void)state;
	for (size_t i = 0; i < v.n; i++)
		assert_int_equal(
			view_host_read(a, str_upto(v, i), &h), ST_INVALID);
	v = name_value();
	for (size_t i = 0; i < v.n; i++)
		assert_int_equal(
			view_name_read(a, str_upto(v, i), &n), ST_INVALID);
	assert_int_equal(view_name_read(a, v, &n), ST_OK);
	assert_int_equal(n.sets[1].type, 1);
	assert_str(n.sets[0].rdata[1], "two");
	/* and so is what is too long */
	v.n++;
	assert_int_equal(view_name_read(a, v, &n), ST_INVALID);
	arena_free(&a);
}

/* A count of four thousand million asks for no memory. */
static void false_counts(void **state)
{
	struct arena *a = arena_must(1 << 16);
	struct str v = name_value();
	struct view_name n;

	(void)state;
	memset(bytes + 1 + 4 + 9, 0xff, 4);
	assert_int_equal(view_name_read(a, v, &n), ST_INVALID);
	assert_false(arena_full(a));
	arena_free(&a);
}

static void keys_keep_a_subtree_together(void **state)
{
	struct view_key parent, child, sister;

	(void)state;
	assert_int_equal(view_key_name(STR("a.example"), &parent), ST_OK);
	assert_int_equal(view_key_name(STR("z.A.Example"), &child), ST_OK);
	assert_int_equal(view_key_name(STR("a-.example"), &sister), ST_OK);
	assert_true(child.n > parent.n);
	assert_memory_equal(child.p, parent.p, parent.n);
	assert_true(memcmp(child.p, sister.p, child.n) < 0);
}

static void names_that_are_none(void **state)
{
	struct view_key key;
	char text[400];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(
		view_key_host((struct str){ text, sizeof(text) }, &key),
		ST_INVALID);
	assert_int_equal(view_key_host(STR(""), &key), ST_INVALID);
	assert_int_equal(
		view_key_name((struct str){ text, sizeof(text) }, &key),
		ST_INVALID);
	assert_int_equal(view_key_name(STR("a..b"), &key), ST_INVALID);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_is_not_absent),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(false_counts),
		cmocka_unit_test(keys_keep_a_subtree_together),
		cmocka_unit_test(names_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
