/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "cli/table.h"
#include "tests/testing.h"

#include "base/poison.h"

/* 70 bytes, more than a cell may have. */
#define LONG                                                                   \
	"01234567890123456789012345678901234567890123456789012345678901234567" \
	"89"

static void only_the_last_column_may_be_long(void **state)
{
	static const char *const heads[] = { "A", ">N", "LAST" };
	struct cli cli = { .arena = arena_must(0) };
	struct table t = table_of(cli.arena, heads, 3);
	struct table_row *row = table_add(&t);
	char *text = NULL;
	size_t n = 0;

	(void)state;
	row->cells[0] = table_text(&t, STR(LONG));
	row->cells[1] = table_number(&t, 7);
	row->cells[2] = table_text(&t, STR(LONG "\x1b"));
	cli.out = open_memstream(&text, &n);
	table_print(&cli, &t, "");
	assert_int_equal(fclose(cli.out), 0);
	assert_non_null(strstr(text, "\n"));
	assert_string_equal(strstr(text, "\n") + 1,
		"012345678901234567890123456789012345678901234567890123456..."
		"  7  " LONG "\\x1b\n");
	free(text);
	arena_free(&cli.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_last_column_may_be_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
