/* SPDX-License-Identifier: Apache-2.0 */
/* The rule of policy_clock.h, case by case. */
#include "outbound/policy_clock.h"
#include "tests/testing.h"

#include "base/poison.h"

#define T0 1800000000
#define DAY 86400

static struct mono mono = { 5000 };
static int64_t utc = T0;

static struct mono get_mono(void *ctx)
{
	(void)ctx;
	return mono;
}

static struct unix_time get_utc(void *ctx)
{
	(void)ctx;
	return (struct unix_time){ utc };
}

static const struct clock fake = { get_mono, get_utc, NULL };

static void pass(int64_t s)
{
	mono.ms += s * 1000;
	utc += s;
}

static struct policy_clock begin(int64_t noted, enum policy_clock_news news)
{
	struct policy_clock c;

	utc = T0;
	assert_int_equal(policy_clock_init(&c, &fake, noted), news);
	return c;
}

static void at_the_start(void **state)
{
	static const struct {
		int64_t noted;
		enum policy_clock_news news;
		int64_t now;
	} rows[] = {
		{ 0, POLICY_CLOCK_STEADY, T0 },
		{ T0, POLICY_CLOCK_STEADY, T0 },
		{ T0 - 2 * DAY, POLICY_CLOCK_STEADY, T0 },
		{ T0 - 2 * DAY - 1, POLICY_CLOCK_JUMPED, T0 - 2 * DAY - 1 },
		{ T0 - 30 * DAY, POLICY_CLOCK_JUMPED, T0 - 30 * DAY },
		{ T0 + 300, POLICY_CLOCK_STEADY, T0 },
		{ T0 + 301, POLICY_CLOCK_JUMPED, T0 + 301 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy_clock c = begin(rows[i].noted, rows[i].news);

		assert_int_equal(policy_clock_now(&c), rows[i].now);
	}
}

/* Small steps are followed, also many of them in time. */
static void small_steps(void **state)
{
	struct policy_clock c = begin(0, POLICY_CLOCK_STEADY);

	(void)state;
	for (int i = 0; i < 10; i++) {
		pass(DAY);
		utc += 200;
		assert_int_equal(policy_clock_check(&c), POLICY_CLOCK_STEADY);
		assert_int_equal(policy_clock_now(&c), utc);
	}
}

/* Whoever forges NTP must not end policies by many of them. */
static void creeping(void **state)
{
	struct policy_clock c = begin(0, POLICY_CLOCK_STEADY);
	enum policy_clock_news news[3];
	int64_t right;

	(void)state;
	for (int i = 0; i < 3; i++) {
		pass(64);
		utc += 200;
		news[i] = policy_clock_check(&c);
	}
	right = utc - 600;
	assert_int_equal(news[0], POLICY_CLOCK_STEADY);
	assert_int_equal(news[1], POLICY_CLOCK_JUMPED);
	assert_int_equal(news[2], POLICY_CLOCK_STEADY);
	assert_int_equal(policy_clock_now(&c), right);
}

static void jump(int64_t by)
{
	struct policy_clock c = begin(0, POLICY_CLOCK_STEADY);
	int64_t right;

	pass(60);
	right = utc;
	utc += by;
	/* Not even for a moment before it is noticed. */
	assert_int_equal(policy_clock_now(&c), right);
	assert_int_equal(policy_clock_check(&c), POLICY_CLOCK_JUMPED);
	pass(DAY - 1);
	assert_int_equal(policy_clock_check(&c), POLICY_CLOCK_STEADY);
	assert_int_equal(policy_clock_now(&c), right + DAY - 1);
	assert_int_equal(
		policy_clock_stamp(&c), by > 0 ? utc : policy_clock_now(&c));
	pass(1);
	assert_int_equal(policy_clock_check(&c), POLICY_CLOCK_TAKEN);
	assert_int_equal(policy_clock_now(&c), utc);
	assert_int_equal(policy_clock_check(&c), POLICY_CLOCK_STEADY);
}

static void ahead(void **state)
{
	(void)state;
	jump(301);
	jump(365 * DAY);
}

static void back(void **state)
{
	(void)state;
	jump(-301);
	jump(-T0);
}

static void there_and_back(void **state)
{
	struct policy_clock c = begin(0, POLICY_CLOCK_STEADY);

	(void)state;
	utc += DAY;
	assert_int_equal(policy_clock_check(&c), POLICY_CLOCK_JUMPED);
	pass(3600);
	utc -= DAY;
	assert_int_equal(policy_clock_now(&c), utc);
	assert_int_equal(policy_clock_check(&c), POLICY_CLOCK_CAME_BACK);
	utc += DAY;
	assert_int_equal(policy_clock_check(&c), POLICY_CLOCK_JUMPED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_the_start),
		cmocka_unit_test(small_steps),
		cmocka_unit_test(creeping),
		cmocka_unit_test(ahead),
		cmocka_unit_test(back),
		cmocka_unit_test(there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
