/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"
#include "tests/testing.h"

#include "base/poison.h"

static const struct arg_row rows[] = {
	{ "config", "FILE", "a file", 'c', false },
	{ "json", NULL, "a flag", 0, false },
	{ "mx", "PATTERN", "several", 0, true },
	{ "max-age", "SECONDS", "a number", 0, false },
	{},
};

static struct arena *arena;

static enum status parse(struct args *args, struct err *e, bool stop, int *used,
	const char *line)
{
	char *argv[16];
	struct str rest = str_of(line);
	int argc = 0;

	*args = (struct args){ .arena = arena };
	args_allow(args, rows);
	while (rest.p != NULL && rest.n > 0)
		argv[argc++] = (char *)(uintptr_t)arena_str(
			arena, str_cut(&rest, ' '))
				       .p;
	return args_parse(args, argc, argv, stop, used, e);
}

static void good_lines(void **state)
{
	struct args args;
	struct err e = {};
	const char **mx;
	int64_t age = 7;
	int used;

	(void)state;
	assert_int_equal(parse(&args, &e, false, &used,
				 "a --json -c f --mx x y --max-age=60 b - "
				 "--mx z -- --mx"),
		ST_OK);
	assert_true(args_flag(&args, "json"));
	assert_string_equal(args_get(&args, "config"), "f");
	assert_int_equal(args_all(&args, "mx", &mx), 3);
	assert_string_equal(mx[1], "y");
	assert_string_equal(mx[2], "z");
	assert_int_equal(args_int(&args, "max-age", 0, 100, &age, &e), ST_OK);
	assert_int_equal(age, 60);
	assert_int_equal(args.words.n, 4);
	assert_string_equal(args.words.items[1], "b");
	assert_string_equal(args.words.items[2], "-");
	assert_string_equal(args.words.items[3], "--mx");

	age = 7;
	assert_int_equal(
		parse(&args, &e, true, &used, "--json verb -x"), ST_OK);
	assert_int_equal(used, 1);
	assert_null(args_get(&args, "config"));
	assert_int_equal(args_all(&args, "mx", &mx), 0);
	assert_int_equal(args_int(&args, "max-age", 0, 100, &age, &e), ST_OK);
	assert_int_equal(age, 7);
}

static void bad_lines(void **state)
{
	static const char *const lines[] = {
		"--nope",
		"-x",
		"-cf",
		"--json=1",
		"--json --json",
		"--config",
		"--mx",
		"--js",
		"--config=a --config=b",
	};
	struct args args;
	int64_t age = 7;
	int used;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct err e = {};

		if (parse(&args, &e, false, &used, lines[i]) != ST_INVALID)
			fail_msg("%s is taken", lines[i]);
		assert_true(e.text[0] != '\0');
	}
	assert_int_equal(
		parse(&args, NULL, false, &used, "--max-age 1O"), ST_OK);
	assert_int_equal(
		args_int(&args, "max-age", 0, 100, &age, NULL), ST_INVALID);
	assert_int_equal(age, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_lines),
		cmocka_unit_test(bad_lines),
	};
	int bad;

	arena = arena_must(0);
	bad = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(&arena);
	return bad;
}
