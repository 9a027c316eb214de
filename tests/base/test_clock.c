/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "tests/testing.h"

#include "base/poison.h"

static struct str written(char *p, size_t n, struct unix_time t)
{
	struct sbuf b = sbuf_fixed(p, n);

	utc_write(&b, t);
	assert_true(sbuf_ok(&b));
	return sbuf_str(&b);
}

static void round_trips(void **state)
{
	/* Around leap days, century rules, both ends and the epoch. */
	static const int64_t around[] = { UTC_MIN, -62135510400, -2203977600,
		-1, 0, 951782400, 951868800, 1078012800, 4107456000, 4107542400,
		13574563200, 1709164800, 1709251200, 2147483647, 2147483648,
		UTC_MAX };
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
		for (int64_t d = -2; d <= 2; d++) {
			struct unix_time t = { around[i] + d }, back;
			struct utc_date date;

			if (t.s < UTC_MIN || t.s > UTC_MAX)
				continue;
			date = utc_date_of(t);
			assert_int_equal(utc_time_of(date, &back), ST_OK);
			assert_int_equal(back.s, t.s);
			assert_int_equal(
				utc_parse(written(text, sizeof(text), t), NULL,
					&back),
				ST_OK);
			assert_int_equal(back.s, t.s);
		}
	}
}

static void every_day_of_two_eras(void **state)
{
	int64_t day = -719162 * UTC_DAY_S; /* 0001-01-01 */
	struct utc_date before = utc_date_of((struct unix_time){ day });

	(void)state;
	assert_int_equal(before.year, 1);
	for (int i = 0; i < 2 * 146097; i++) {
		struct utc_date d;
		struct unix_time back;

		day += UTC_DAY_S;
		d = utc_date_of((struct unix_time){ day });
		assert_int_equal(utc_time_of(d, &back), ST_OK);
		assert_true(back.s == day);
		assert_true(d.day == before.day + 1 || d.day == 1);
		before = d;
	}
	assert_int_equal(before.year, 801);
}

static void writing(void **state)
{
	char text[32];
	struct sbuf b = sbuf_fixed(text, sizeof(text));

	(void)state;
	assert_str(written(text, sizeof(text), (struct unix_time){ 0 }),
		"1970-01-01T00:00:00Z");
	assert_str(written(text, sizeof(text), (struct unix_time){ 951827696 }),
		"2000-02-29T12:34:56Z");
	assert_str(written(text, sizeof(text), (struct unix_time){ INT64_MIN }),
		"0001-01-01T00:00:00Z");
	assert_str(written(text, sizeof(text), (struct unix_time){ INT64_MAX }),
		"9999-12-31T23:59:59Z");
	b = sbuf_fixed(text, sizeof(text));
	utc_write_compact(&b, (struct unix_time){ 951827696 });
	assert_str(sbuf_str(&b), "20000229T123456Z");
}

static void reading(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
		bool zoned;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0, true },
		{ "1970-01-01t00:00:00z", 0, true },
		{ "1970-01-01 00:00:00", 0, false },
		{ "1970-01-01T00:00:01.999Z", 1, true },
		{ "1970-01-01T01:30:00+01:30", 0, true },
		{ "1969-12-31T23:00:00-01:00", 0, true },
		{ "2016-12-31T23:59:60Z", 1483228799, true },
		{ "2000-02-29T00:00:00Z", 951782400, true },
	};
	static const char *const bad[] = { "", "1970", "1970-01-01",
		"1970-01-01T00:00Z", "1970-01-01T00:00:00.Z",
		"1970-01-01T00:00:00+0100", "1970-01-01T00:00:00+24:00",
		"1970-01-01T00:00:00+00:60", "1970-01-01T00:00:00ZZ",
		"1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z",
		"1970-01-01T00:00:61Z", "1970-00-01T00:00:00Z",
		"1970-13-01T00:00:00Z", "1970-01-00T00:00:00Z",
		"1970-01-32T00:00:00Z", "1970-04-31T00:00:00Z",
		"2001-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z", "0000-01-01T00:00:00Z",
		"+970-01-01T00:00:00Z", "1970-1-01T00:00:00Z",
		"1970-01-01T-1:00:00Z", " 1970-01-01T00:00:00Z" };
	struct unix_time t = { 7 };
	bool zoned;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (utc_parse(str_of(bad[i]), &zoned, &t) != ST_INVALID)
			fail_msg("%s", bad[i]);
		assert_int_equal(t.s, 7);
	}
	assert_int_equal(
		utc_parse(STR("1970-01-01T00:00:00"), NULL, &t), ST_INVALID);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (utc_parse(str_of(good[i].text), &zoned, &t) != ST_OK)
			fail_msg("%s", good[i].text);
		assert_int_equal(t.s, good[i].want);
		assert_int_equal(zoned, good[i].zoned);
	}
}

static void offsets_stay_in_range(void **state)
{
	struct unix_time t = { 7 };

	(void)state;
	assert_int_equal(utc_parse(STR("0001-01-01T00:00:00+00:01"), NULL, &t),
		ST_INVALID);
	assert_int_equal(utc_parse(STR("9999-12-31T23:59:59-00:01"), NULL, &t),
		ST_INVALID);
	assert_int_equal(t.s, 7);
}

static void the_machine_has_a_clock(void **state)
{
	struct mono before = clock_mono(clock_system());

	(void)state;
	assert_true(clock_now(clock_system()).s > 1600000000);
	assert_true(clock_mono(clock_system()).ms >= before.ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(every_day_of_two_eras),
		cmocka_unit_test(writing),
		cmocka_unit_test(reading),
		cmocka_unit_test(offsets_stay_in_range),
		cmocka_unit_test(the_machine_has_a_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
