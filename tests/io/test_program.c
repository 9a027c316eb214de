/* SPDX-License-Identifier: Apache-2.0 */
/* A program's output, its faults, and its end when time is up. */
#include "base/clock.h"
#include "io/program.h"
#include "tests/testing.h"

#include "base/poison.h"

#define LIMIT_MS 20000

static enum status run(struct arena *a, const char *script, int limit_ms,
	size_t max, struct str *out, struct err *e)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };

	return program_output(argv, limit_ms, a, max, out, e);
}

static void output_comes_whole(void **state)
{
	struct arena *a = arena_must(0);
	struct str out = {};

	(void)state;
	assert_int_equal(run(a, "head -c 300000 /dev/zero; read x || echo end",
				 LIMIT_MS, 400000, &out, NULL),
		ST_OK);
	assert_int_equal(out.n, 300004);
	arena_free(&a);
}

static void words_are_not_for_a_shell(void **state)
{
	const char *const argv[] = { "/bin/echo", "$(id);`id` > x", NULL };
	struct arena *a = arena_must(0);
	struct str out = {};

	(void)state;
	assert_int_equal(
		program_output(argv, LIMIT_MS, a, 1000, &out, NULL), ST_OK);
	assert_str(out, "$(id);`id` > x\n");
	arena_free(&a);
}

static void a_fault_is_told_escaped(void **state)
{
	struct arena *a = arena_must(0);
	struct str out = {};
	struct err e = {};

	(void)state;
	assert_int_equal(
		run(a, "printf 'no\\033 queue\\nat all\\n' >&2; exit 69",
			LIMIT_MS, 1000, &out, &e),
		ST_INVALID);
	assert_string_equal(e.text, "/bin/sh: exit 69: no\\x1b queue; at all");
	assert_int_equal(
		run(a, "kill -9 $$", LIMIT_MS, 1000, &out, &e), ST_INVALID);
	assert_null(out.p);
	arena_free(&a);
}

static void too_much_is_too_much(void **state)
{
	struct arena *a = arena_must(0);
	struct str out = {};

	(void)state;
	assert_int_equal(
		run(a, "cat /dev/zero", LIMIT_MS, 1000, &out, NULL), ST_LIMIT);
	arena_free(&a);
}

/* With what it started, which holds the pipe. */
static void the_slow_are_ended(void **state)
{
	struct arena *a = arena_must(0);
	int64_t start = clock_mono(clock_system()).ms;
	struct str out = {};

	(void)state;
	assert_int_equal(
		run(a, "sleep 60 & sleep 60", 50, 1000, &out, NULL), ST_TEMP);
	assert_true(clock_mono(clock_system()).ms - start < LIMIT_MS);
	arena_free(&a);
}

static void what_is_not_there_is_not_run(void **state)
{
	const char *const none[] = { "/nonexistent/postqueue", NULL };
	const char *const closed[] = { "/etc/passwd", NULL };
	struct arena *a = arena_must(0);
	struct str out = {};

	(void)state;
	assert_int_equal(program_output(none, LIMIT_MS, a, 1000, &out, NULL),
		ST_NOTFOUND);
	assert_int_equal(
		program_output(closed, LIMIT_MS, a, 1000, &out, NULL), ST_PERM);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_comes_whole),
		cmocka_unit_test(words_are_not_for_a_shell),
		cmocka_unit_test(a_fault_is_told_escaped),
		cmocka_unit_test(too_much_is_too_much),
		cmocka_unit_test(the_slow_are_ended),
		cmocka_unit_test(what_is_not_there_is_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
