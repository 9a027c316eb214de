/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/sbuf.h"
#include "tests/testing.h"

#include "base/poison.h"

static void a_full_buffer_stays_failed(void **state)
{
	char text[5] = "XXXX";
	struct sbuf b = sbuf_fixed(text, 4);

	(void)state;
	sbuf_addz(&b, "abc");
	assert_true(sbuf_ok(&b));
	sbuf_addz(&b, "de");
	assert_false(sbuf_ok(&b));
	sbuf_addc(&b, 'd');
	assert_false(sbuf_ok(&b));
	assert_str(sbuf_str(&b), "abc");
	assert_int_equal(text[4], '\0');
	b = sbuf_fixed(text, 4);
	sbuf_addz(&b, "abcd");
	assert_true(sbuf_ok(&b));
	sbuf_add(&b, (struct str){});
	assert_true(sbuf_ok(&b));
}

static void growing_stops_at_max(void **state)
{
	struct arena *a = arena_must(0);
	struct sbuf b = sbuf_arena(a, 1000);

	(void)state;
	assert_str(sbuf_str(&b), "");
	for (int i = 0; i < 1000; i++)
		sbuf_addc(&b, (char)('a' + i % 26));
	assert_true(sbuf_ok(&b));
	assert_int_equal(sbuf_str(&b).n, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(sbuf_str(&b).p[i], 'a' + i % 26);
	sbuf_addc(&b, 'x');
	assert_false(sbuf_ok(&b));
	assert_int_equal(sbuf_str(&b).n, 1000);
	arena_free(&a);
}

static void long_formats_fit(void **state)
{
	struct arena *a = arena_must(0);
	struct sbuf b = sbuf_arena(a, 2000);

	(void)state;
	for (int n = 250; n < 260; n++) {
		size_t before = b.n;

		sbuf_fmt(&b, "%*d", n, 7);
		assert_int_equal(b.n - before, n);
		if (b.n > 1700)
			b = sbuf_arena(a, 2000);
	}
	assert_true(sbuf_ok(&b));
	arena_free(&a);
}

static void escaping_leaves_printable_ascii(void **state)
{
	char text[2000];
	struct sbuf b = sbuf_fixed(text, sizeof(text));

	(void)state;
	sbuf_escaped(&b, STR("a\"b\\c\n\x1b[2J\xc3\xa9\x7f\0~"));
	assert_str(
		sbuf_str(&b), "a\\\"b\\\\c\\x0a\\x1b[2J\\xc3\\xa9\\x7f\\x00~");
}

static void no_memory_is_survived(void **state)
{
	struct arena *a = arena_must(0);
	struct sbuf b = sbuf_arena(a, 100000);

	(void)state;
	sbuf_addz(&b, "x");
	mem_fail_at(1);
	for (int i = 0; i < 10000; i++)
		sbuf_addz(&b, "0123456789");
	mem_fail_at(0);
	assert_false(sbuf_ok(&b));
	sbuf_addz(&b, "y");
	assert_false(sbuf_ok(&b));
	assert_int_equal(sbuf_str(&b).p[0], 'x');
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_buffer_stays_failed),
		cmocka_unit_test(growing_stops_at_max),
		cmocka_unit_test(long_formats_fit),
		cmocka_unit_test(escaping_leaves_printable_ascii),
		cmocka_unit_test(no_memory_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
