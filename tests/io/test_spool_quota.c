/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include "base/sbuf.h"
#include "io/spool_quota.h"

#include "base/poison.h"

static const struct spool_quota_limits PER_ID = { 3, 100 };
static const struct spool_quota_limits PER_SOURCE = { 5, 1000 };

static void an_hour_has_an_end(void **state)
{
	struct spool_quota *q = spool_quota_new(&PER_ID, &PER_SOURCE);
	struct mono now = { 1000 };
	enum spool_quota_kind which;
	int64_t retry;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(spool_quota_take(q, now, STR("a"), STR("s"),
					 10, &which, &retry),
			ST_OK);
	assert_int_equal(spool_quota_take(q, now, STR("a"), STR("s"), 10,
				 &which, &retry),
		ST_LIMIT);
	assert_int_equal(which, SPOOL_QUOTA_ID);
	assert_int_equal(retry, 3601);
	for (int i = 0; i < 2; i++)
		assert_int_equal(spool_quota_take(q, now, STR("b"), STR("s"), 1,
					 &which, &retry),
			ST_OK);
	assert_int_equal(
		spool_quota_take(q, now, STR("b"), STR("s"), 1, &which, &retry),
		ST_LIMIT);
	assert_int_equal(which, SPOOL_QUOTA_SOURCE);
	now.ms += 3600000;
	assert_int_equal(spool_quota_take(q, now, STR("a"), STR("s"), 10,
				 &which, &retry),
		ST_OK);
	spool_quota_free(&q);
}

static void bytes_count_and_come_back(void **state)
{
	struct spool_quota *q = spool_quota_new(&PER_ID, &PER_SOURCE);
	struct mono now = { 0 };
	enum spool_quota_kind which;
	int64_t retry;

	(void)state;
	assert_int_equal(spool_quota_take(q, now, STR("a"), STR("s"), 101,
				 &which, &retry),
		ST_LIMIT);
	assert_int_equal(spool_quota_take(q, now, STR("a"), STR("s"),
				 UINT64_MAX, &which, &retry),
		ST_LIMIT);
	assert_int_equal(spool_quota_take(q, now, STR("a"), STR("s"), 100,
				 &which, &retry),
		ST_OK);
	assert_int_equal(
		spool_quota_take(q, now, STR("a"), STR("s"), 1, &which, &retry),
		ST_LIMIT);
	spool_quota_give_back(q, now, STR("a"), STR("s"), 90);
	assert_int_equal(spool_quota_take(q, now, STR("a"), STR("s"), 90,
				 &which, &retry),
		ST_OK);
	spool_quota_free(&q);
}

static void a_flood_of_addresses_stays_bounded(void **state)
{
	struct spool_quota *q = spool_quota_new(&PER_ID, &PER_SOURCE);
	struct mono now = { 0 };
	enum spool_quota_kind which;
	unsigned taken = 0;
	int64_t retry;

	(void)state;
	for (int i = 0; i < SPOOL_QUOTA_ENTRIES + 1000; i++) {
		char name[16];
		struct sbuf b = sbuf_fixed(name, sizeof(name));

		sbuf_fmt(&b, "%d", i);
		taken += spool_quota_take(q, now, sbuf_str(&b), sbuf_str(&b), 1,
				 &which, &retry) == ST_OK;
	}
	assert_int_equal(taken, SPOOL_QUOTA_ENTRIES + 3);
	spool_quota_free(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_hour_has_an_end),
		cmocka_unit_test(bytes_count_and_come_back),
		cmocka_unit_test(a_flood_of_addresses_stays_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
