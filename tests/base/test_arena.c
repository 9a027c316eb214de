/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/mem.h"
#include "tests/testing.h"

#include "base/poison.h"

static void memory_is_zeroed_and_aligned(void **state)
{
	struct arena *a = arena_must(0);

	(void)state;
	for (size_t n = 0; n < 3000; n += 7) {
		unsigned char *p = arena_alloc(a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		if (n > 0)
			memset(p, 0xff, n);
	}
	arena_free(&a);
	assert_null(a);
	arena_free(&a);
}

static void the_cap_holds(void **state)
{
	struct arena *a = arena_must(4096);

	(void)state;
	assert_non_null(arena_alloc(a, 4000));
	assert_false(arena_full(a));
	assert_null(arena_alloc(a, 200));
	assert_true(arena_full(a));
	assert_non_null(arena_alloc(a, 90));
	assert_true(arena_used(a) <= 4096);
	arena_reset(a);
	assert_false(arena_full(a));
	assert_int_equal(arena_used(a), 0);
	assert_non_null(arena_alloc(a, 4096));
	arena_free(&a);
}

static void sizes_that_overflow_are_refused(void **state)
{
	struct arena *a = arena_must(0);
	struct arena *capped = arena_must(100);

	(void)state;
	for (size_t back = 0; back < 128; back++) {
		assert_null(arena_alloc(a, SIZE_MAX - back));
		assert_null(arena_alloc(capped, SIZE_MAX - back));
	}
	assert_null(arena_array(a, SIZE_MAX / 2, 3));
	assert_null(arena_array(a, 3, SIZE_MAX / 2));
	assert_null(arena_str(a, (struct str){ "", SIZE_MAX }).p);
	assert_non_null(arena_alloc(a, 1));
	arena_free(&a);
	arena_free(&capped);
}

static void reset_gives_zeroed_memory_again(void **state)
{
	struct arena *a = arena_must(0);

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t n = 1; n < 100000; n *= 10) {
			unsigned char *p = arena_alloc(a, n);

			for (size_t i = 0; i < n; i++)
				assert_int_equal(p[i], 0);
			memset(p, 1, n);
		}
		arena_reset(a);
	}
	arena_free(&a);
}

static void text_is_terminated(void **state)
{
	struct arena *a = arena_must(0);
	struct str s = arena_str(a, STR("a\0b"));

	(void)state;
	assert_int_equal(s.n, 3);
	assert_memory_equal(s.p, "a\0b", 4);
	assert_str(arena_str(a, (struct str){}), "");
	assert_string_equal(arena_fmt(a, "%d-%s", 7, "x").p, "7-x");
	arena_free(&a);
}

static void no_memory_is_survived(void **state)
{
	struct arena *a = arena_must(0);

	(void)state;
	mem_fail_at(1);
	assert_null(arena_new(0));
	assert_null(arena_alloc(a, 1));
	assert_null(arena_str(a, STR("x")).p);
	assert_null(arena_fmt(a, "x").p);
	mem_fail_at(0);
	assert_false(arena_full(a));
	assert_non_null(arena_alloc(a, 1));
	/* The first block is there; the next one is the second allocation. */
	mem_fail_at(2);
	assert_non_null(arena_alloc(a, 4000));
	assert_null(arena_alloc(a, 400000));
	mem_fail_at(0);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(the_cap_holds),
		cmocka_unit_test(sizes_that_overflow_are_refused),
		cmocka_unit_test(reset_gives_zeroed_memory_again),
		cmocka_unit_test(text_is_terminated),
		cmocka_unit_test(no_memory_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
