/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include "base/mem.h"
#include "proto/dns_rrl.h"

#include "base/poison.h"

static const uint64_t seed[2] = { 1, 2 };

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	assert_int_equal(ip_addr_parse(str_of(text), &a), ST_OK);
	return a;
}

/* Charges n answers and counts those sent. */
static int sent(struct dns_rrl *r, const char *peer, enum dns_answer_kind kind,
	int64_t ms, int n)
{
	struct ip_addr a = addr(peer);
	int got = 0;

	while (n-- > 0)
		got += dns_rrl_check(r, &a, kind, (struct mono){ ms }) ==
		       DNS_RRL_SEND;
	return got;
}

static void networks_and_kinds_have_their_own_bucket(void **state)
{
	struct dns_rrl *r = dns_rrl_new(1024, 10, 2, seed);

	(void)state;
	assert_int_equal(sent(r, "192.0.2.1", DNS_ANSWER_DATA, 0, 20), 10);
	assert_int_equal(sent(r, "192.0.2.200", DNS_ANSWER_DATA, 0, 5), 0);
	assert_int_equal(sent(r, "192.0.3.1", DNS_ANSWER_DATA, 0, 5), 5);
	assert_int_equal(sent(r, "192.0.2.1", DNS_ANSWER_NEGATIVE, 0, 5), 5);
	assert_int_equal(sent(r, "2001:db8::1", DNS_ANSWER_DATA, 0, 20), 10);
	assert_int_equal(
		sent(r, "2001:db8:0:ff::1", DNS_ANSWER_DATA, 0, 20), 0);
	assert_int_equal(
		sent(r, "2001:db8:0:100::1", DNS_ANSWER_DATA, 0, 20), 10);
	dns_rrl_free(&r);
}

static void tokens_come_back_with_time(void **state)
{
	struct dns_rrl *r = dns_rrl_new(64, 10, 0, seed);

	(void)state;
	assert_int_equal(sent(r, "192.0.2.1", DNS_ANSWER_DATA, 0, 20), 10);
	assert_int_equal(sent(r, "192.0.2.1", DNS_ANSWER_DATA, 99, 20), 0);
	assert_int_equal(sent(r, "192.0.2.1", DNS_ANSWER_DATA, 100, 20), 1);
	assert_int_equal(
		sent(r, "192.0.2.1", DNS_ANSWER_DATA, 9000000, 20), 10);
	/* A clock that steps back gives nothing away. */
	assert_int_equal(sent(r, "192.0.2.1", DNS_ANSWER_DATA, 5, 20), 0);
	dns_rrl_free(&r);
}

static void every_second_slips_but_no_error(void **state)
{
	struct dns_rrl *r = dns_rrl_new(64, 1, 2, seed);
	struct ip_addr a = addr("192.0.2.1");
	const struct mono t = {};
	static const enum dns_rrl_verdict want[] = { DNS_RRL_SEND, DNS_RRL_DROP,
		DNS_RRL_SLIP, DNS_RRL_DROP, DNS_RRL_SLIP };

	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(
			dns_rrl_check(r, &a, DNS_ANSWER_DATA, t), want[i]);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(dns_rrl_check(r, &a, DNS_ANSWER_ERROR, t),
			i == 0 ? DNS_RRL_SEND : DNS_RRL_DROP);
	dns_rrl_free(&r);
}

static void the_table_never_grows(void **state)
{
	struct dns_rrl *r = dns_rrl_new(16, 1, 0, seed);
	struct ip_addr a = addr("192.0.2.1");

	(void)state;
	mem_fail_at(1);
	for (int i = 0; i < 100000; i++) {
		a.b[12] = (uint8_t)i;
		a.b[13] = (uint8_t)(i >> 8);
		(void)dns_rrl_check(r, &a, DNS_ANSWER_DATA, (struct mono){ i });
	}
	assert_null(dns_rrl_new(16, 1, 0, seed));
	mem_fail_at(0);
	dns_rrl_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_and_kinds_have_their_own_bucket),
		cmocka_unit_test(tokens_come_back_with_time),
		cmocka_unit_test(every_second_slips_but_no_error),
		cmocka_unit_test(the_table_never_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
