/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include "base/sbuf.h"
#include "io/spool_quota.h"

#include "base/poison.h"

static const struct spool_quota_limits PER_ID = { 4, 100 };
static const struct spool_quota_limits PER_SOURCE = { 5, 1000 };

static struct spool_quota *quota;
static struct mono now;
static enum spool_quota_kind which;
static int64_t retry_s;

static int setup(void **state)
{
	(void)state;
	quota = spool_quota_new(&PER_ID, &PER_SOURCE);
	now = (struct mono){ 1000 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	spool_quota_free(&quota);
	return 0;
}

static enum status take(const char *id, const char *source, uint64_t n)
{
	return spool_quota_take(
		quota, now, str_of(id), str_of(source), n, &which, &retry_s);
}

static void an_hour_has_an_end(void **state)
{
	static const char *const sources[] = { "p", "q", "r", "s" };

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(take("a", sources[i], 1), ST_OK);
	assert_int_equal(take("a", "u", 1), ST_LIMIT);
	assert_int_equal(which, SPOOL_QUOTA_ID);
	assert_int_equal(retry_s, 3601);
	assert_int_equal(take("b", "s", 1), ST_OK);
	assert_int_equal(take("c", "s", 1), ST_OK);
	assert_int_equal(take("d", "s", 1), ST_OK);
	assert_int_equal(take("e", "s", 1), ST_OK);
	assert_int_equal(take("f", "s", 1), ST_LIMIT);
	assert_int_equal(which, SPOOL_QUOTA_SOURCE);
	now.ms += 3600000;
	assert_int_equal(take("a", "s", 1), ST_OK);
}

/* So others still have theirs, and whoever comes for the first time. */
static void one_source_has_a_part_of_an_id(void **state)
{
	const struct spool_quota_limits many = { 100, 1000 };

	(void)state;
	spool_quota_free(&quota);
	quota = spool_quota_new(&many, &many);
	for (int i = 0; i < 100 / SPOOL_QUOTA_SHARE_PART; i++)
		assert_int_equal(take("a", "s", 1), ST_OK);
	assert_int_equal(take("a", "s", 1), ST_LIMIT);
	assert_int_equal(which, SPOOL_QUOTA_SHARE);
	assert_string_equal(spool_quota_kind_name(which), "share");
	assert_int_equal(take("b", "s", 1), ST_OK);
	assert_int_equal(take("a", "t", 900), ST_OK);
	assert_int_equal(take("a", "t", 1), ST_LIMIT);
	assert_int_equal(which, SPOOL_QUOTA_SHARE);
}

/* Of whom nothing is known, nothing but the ID's hour is used up. */
static void no_source_is_not_counted(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(take("a", "", 1), ST_OK);
	assert_int_equal(take("a", "", 1), ST_LIMIT);
	assert_int_equal(which, SPOOL_QUOTA_ID);
	for (int i = 0; i < 4; i++)
		assert_int_equal(take("b", "", 1), ST_OK);
}

static void bytes_count_and_come_back(void **state)
{
	(void)state;
	assert_int_equal(take("a", "s", 101), ST_LIMIT);
	assert_int_equal(take("a", "s", UINT64_MAX), ST_LIMIT);
	assert_int_equal(take("a", "s", 100), ST_OK);
	assert_int_equal(take("a", "t", 1), ST_LIMIT);
	spool_quota_give_back(quota, now, STR("a"), STR("s"), 90);
	assert_int_equal(take("a", "t", 90), ST_OK);
}

static void a_flood_of_addresses_stays_bounded(void **state)
{
	unsigned taken = 0;

	(void)state;
	for (int i = 0; i < SPOOL_QUOTA_ENTRIES + 1000; i++) {
		char name[16];
		struct sbuf b = sbuf_fixed(name, sizeof(name) - 1);

		sbuf_fmt(&b, "%d", i);
		name[b.n] = '\0';
		taken += take(name, name, 1) == ST_OK;
	}
	assert_int_equal(taken, SPOOL_QUOTA_ENTRIES + PER_ID.reports);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_hour_has_an_end),
		TEST(one_source_has_a_part_of_an_id),
		TEST(no_source_is_not_counted),
		TEST(bytes_count_and_come_back),
		TEST(a_flood_of_addresses_stays_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
