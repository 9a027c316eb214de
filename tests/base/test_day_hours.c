/* SPDX-License-Identifier: Apache-2.0 */
/* Hours of the day, over midnight too. */
#include "base/day_hours.h"
#include "tests/testing.h"

#include "base/poison.h"

static void hours(void **state)
{
	static const struct {
		const char *text;
		int64_t now, end; /* seconds; -1: the text is bad */
	} rows[] = {
		{ "", 5, 5 },
		{ "22:00-06:00", 21 * 3600, 21 * 3600 },
		{ "22:00-06:00", 22 * 3600, 30 * 3600 },
		{ "22:00-06:00", 0, 6 * 3600 },
		{ "22:00-06:00", 6 * 3600, 6 * 3600 },
		{ "01:00-02:30", 5400, 9000 },
		{ "01:00-02:30", 9000, 9000 },
		{ "07:00-07:00", 7 * 3600, 7 * 3600 },
		{ "24:00-06:00", 0, -1 },
		{ "22-06", 0, -1 },
		{ "22:00", 0, -1 },
		{ "2:00-06:00", 0, -1 },
		{ "22:00-06:00-", 0, -1 },
	};
	struct day_hours q;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum status st = day_hours_parse(str_of(rows[i].text), &q);

		assert_int_equal(st, rows[i].end < 0 ? ST_INVALID : ST_OK);
		if (st == ST_OK)
			assert_int_equal(
				day_hours_end(&q, rows[i].now), rows[i].end);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
