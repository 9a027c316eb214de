/* SPDX-License-Identifier: Apache-2.0 */
/* Renewal times, token buckets and the back-off. */
#include "tests/testing.h"

#include "base/base64.h"
#include "hosting/acme_ari.h"
#include "hosting/acme_bucket.h"
#include "hosting/acme_message.h"
#include "hosting/acme_order.h"
#include "store/store.h"

#include "base/poison.h"

#define DAY UTC_DAY_S

/* The example of RFC 9773 section 4.1. */
static void cert_id_is_that_of_the_rfc(void **state)
{
	struct arena *a = arena_must(0);
	struct str aki, serial;

	(void)state;
	assert_int_equal(
		hex_parse(a, STR("69885b6b87464041e1b37b847ba0ae2cde01c8d4"),
			&aki),
		ST_OK);
	assert_int_equal(hex_parse(a, STR("0087654321"), &serial), ST_OK);
	assert_str(acme_ari_cert_id(a, aki, serial),
		"aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
	assert_null(acme_ari_cert_id(a, STR(""), serial).p);
	assert_str(acme_ari_url(a, STR("https://ca/ri"), STR("x.y")),
		"https://ca/ri/x.y");
	assert_str(acme_ari_url(a, STR("https://ca/ri/"), STR("x.y")),
		"https://ca/ri/x.y");
	arena_free(&a);
}

static void backstop_depends_on_the_lifetime(void **state)
{
	(void)state;
	assert_int_equal(acme_renew_backstop(0, 90 * DAY), 60 * DAY);
	assert_int_equal(acme_renew_backstop(0, 10 * DAY - 2), 5 * DAY - 1);
	assert_int_equal(acme_renew_backstop(0, 6 * DAY), 3 * DAY);
}

static void second_in_the_window_is_chosen_once(void **state)
{
	struct store_cert c = { .not_before = 0, .not_after = 90 * DAY };
	struct acme_renewal_info w = { .start = { 60 * DAY },
		.end = { 62 * DAY } };

	(void)state;
	acme_ari_apply(&c, &w, 12345);
	assert_int_equal(c.renew_at, 60 * DAY + 12345);
	acme_ari_apply(&c, &w, 999); /* the same window again */
	assert_int_equal(c.renew_at, 60 * DAY + 12345);
	assert_false(acme_ari_early(&c));

	w.start.s = 1 * DAY; /* revocation: the window moves to now */
	w.end.s = 2 * DAY;
	acme_ari_apply(&c, &w, 0);
	assert_int_equal(c.renew_at, 1 * DAY);
	assert_true(acme_ari_early(&c));

	w.start.s = 89 * DAY; /* too late to be believed */
	w.end.s = 95 * DAY;
	acme_ari_apply(&c, &w, 4000);
	assert_int_equal(c.renew_at, 75 * DAY);
}

static void bucket_drains_and_refills(void **state)
{
	const struct acme_bucket_rule *r = acme_limit_rule(ACME_LIMIT_SAME_SET);

	(void)state;
	assert_int_equal(acme_bucket_level(r, 0, 0, 34 * 3600), 1000);
	assert_int_equal(acme_bucket_level(r, 0, 0, 17 * 3600), 500);
	assert_int_equal(acme_bucket_level(r, 0, 0, INT64_MAX / 2), 5000);
	assert_int_equal(acme_bucket_level(r, 4000, 100, 50), 4000);
	assert_int_equal(acme_bucket_wait(r, 1000), 0);
	assert_int_equal(acme_bucket_wait(r, 500), 17 * 3600);
	assert_int_equal(acme_bucket_wait(r, -1000), 2 * 34 * 3600);
}

static void back_off_is_1_10_100_minutes_then_daily(void **state)
{
	static const int64_t want[] = { 60, 60, 600, 6000, DAY, DAY };

	(void)state;
	for (int64_t i = 0; i < 6; i++) {
		assert_int_equal(acme_backoff_s(i, 0), want[i]);
		assert_true(acme_backoff_s(i, UINT32_MAX) <=
			    want[i] + want[i] / 10);
	}
	assert_int_equal(acme_backoff_s(1000, 0), DAY);
}

static void only_the_word_of_the_ca_waits_a_day(void **state)
{
	struct store_acme_order o = { .state = STORE_ORDER_VALIDATING,
		.attempts = 8,
		.url = STR("https://ca/o/1") };

	(void)state;
	acme_order_failed(
		&o, ST_TEMP, STR("moat:temp"), STR("no answer"), 0, 1000, 0);
	assert_int_equal(o.next_at, 1000 + 6000);
	assert_int_equal(o.state, STORE_ORDER_VALIDATING);
	assert_str(o.url, "https://ca/o/1");
	acme_order_failed(&o, ST_INVALID, STR("urn:ietf:params:acme:error:caa"),
		STR("no"), 0, 1000, 0);
	assert_int_equal(o.attempts, 10);
	assert_int_equal(o.next_at, 1000 + DAY);
	assert_int_equal(o.state, STORE_ORDER_QUEUED);
	assert_str(o.url, "");
	assert_str(o.problem_detail, "no");
	/* Retry-After of a 429 is taken as it is. */
	acme_order_failed(&o, ST_LIMIT,
		STR("urn:ietf:params:acme:error:rateLimited"), STR("slow"), 90,
		1000, 0);
	assert_int_equal(o.next_at, 1000 + 90);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cert_id_is_that_of_the_rfc),
		cmocka_unit_test(backstop_depends_on_the_lifetime),
		cmocka_unit_test(second_in_the_window_is_chosen_once),
		cmocka_unit_test(bucket_drains_and_refills),
		cmocka_unit_test(back_off_is_1_10_100_minutes_then_daily),
		cmocka_unit_test(only_the_word_of_the_ca_waits_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
