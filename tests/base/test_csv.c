/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include "base/csv.h"

#include "base/poison.h"

/* A spreadsheet computes none of them. */
static void no_cell_is_a_formula(void **state)
{
	static const struct {
		const char *cell, *written;
	} rows[] = {
		{ "mx1.example", "\"mx1.example\"" },
		{ "", "\"\"" },
		{ "a \"b\", c", "\"a \"\"b\"\", c\"" },
		{ "=cmd|'/c calc'!A1", "\"'=cmd|'/c calc'!A1\"" },
		{ "+1", "\"'+1\"" },
		{ "-1", "\"'-1\"" },
		{ "@SUM(A1)", "\"'@SUM(A1)\"" },
		{ "\t=1", "\"' =1\"" },
		{ "  =1", "\"'  =1\"" },
		{ "\n=1", "\"'\n=1\"" },
		{ "\xef\xbc\x9d"
		  "1",
			"\"'\xef\xbc\x9d"
			"1\"" },
		{ "a\r=1", "\"a =1\"" },
		{ "a=1", "\"a=1\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[64];
		struct sbuf b = sbuf_fixed(text, sizeof(text));
		struct csv_writer w = csv_writer_of(&b);

		csv_put_str(&w, str_of(rows[i].cell));
		assert_str(sbuf_str(&b), rows[i].written);
	}
}

static void lines(void **state)
{
	char text[64];
	struct sbuf b = sbuf_fixed(text, sizeof(text));
	struct csv_writer w = csv_writer_of(&b);

	(void)state;
	csv_put_str(&w, STR("a"));
	csv_put_int(&w, -5);
	csv_end_line(&w);
	csv_put_int(&w, 1);
	csv_end_line(&w);
	assert_str(sbuf_str(&b), "\"a\",-5\r\n1\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_cell_is_a_formula),
		cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
