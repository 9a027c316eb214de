/* SPDX-License-Identifier: Apache-2.0 */
/* What dns_check makes of answers; the look-ups here are the test's own. */
#include "io/dns_check.h"
#include "tests/testing.h"

#include "base/poison.h"

static dns_lookup_fn *asked;
static unsigned changes;

void dns_lookup_start(struct dns_lookup *q, struct dns_lookups *l,
	struct str name, uint16_t type, int timeout_ms, dns_lookup_fn *done,
	void *ctx)
{
	(void)q, (void)l, (void)name, (void)type, (void)timeout_ms, (void)ctx;
	asked = done;
}

void dns_lookup_cancel(struct dns_lookup *q)
{
	(void)q;
}

static void on_changed(void *ctx, enum dns_dnssec state)
{
	(void)ctx, (void)state;
	changes++;
}

static void answer(struct dns_check *c, enum resolver_security security)
{
	struct resolver_answer a = { .security = security,
		.why_bogus = STR("no signatures") };
	struct err e = {};

	asked(c, ST_OK, &a, &e);
}

static void begin(struct dns_check *c, struct loop *l, bool validates)
{
	*c = (struct dns_check){ .validates = validates,
		.state = DNS_DNSSEC_UNKNOWN };
	changes = 0;
	dns_check_start(c, l, NULL, on_changed, NULL);
}

/* Whoever forges cannot switch DANE off, for a day. */
static void bogus_after_good(void **state)
{
	struct loop *l = loop_new();
	struct dns_check c;

	(void)state;
	begin(&c, l, true);
	answer(&c, RESOLVER_SECURE);
	assert_int_equal(c.state, DNS_DNSSEC_GOOD);
	for (int i = 0; i < 5; i++)
		answer(&c, RESOLVER_BOGUS);
	assert_int_equal(c.state, DNS_DNSSEC_GOOD);
	assert_int_equal(changes, 1);
	c.good.ms = loop_now(l).ms - DNS_LOOKUP_KEEP_S * INT64_C(1000) + 60000;
	answer(&c, RESOLVER_BOGUS);
	assert_int_equal(c.state, DNS_DNSSEC_GOOD);
	c.good.ms -= 60000;
	answer(&c, RESOLVER_BOGUS);
	assert_int_equal(c.state, DNS_DNSSEC_BROKEN);
	answer(&c, RESOLVER_BOGUS);
	assert_int_equal(c.state, DNS_DNSSEC_BROKEN);
	answer(&c, RESOLVER_SECURE);
	assert_int_equal(c.state, DNS_DNSSEC_GOOD);
	answer(&c, RESOLVER_BOGUS);
	assert_int_equal(c.state, DNS_DNSSEC_GOOD);
	dns_check_stop(&c);
	loop_free(&l);
}

/* What was never good, or by other servers, is broken at once. */
static void bogus_before_good(void **state)
{
	struct loop *l = loop_new();
	struct dns_check c;

	(void)state;
	begin(&c, l, true);
	answer(&c, RESOLVER_BOGUS);
	assert_int_equal(c.state, DNS_DNSSEC_BROKEN);
	answer(&c, RESOLVER_SECURE);
	dns_check_restart(&c);
	answer(&c, RESOLVER_BOGUS);
	assert_int_equal(c.state, DNS_DNSSEC_BROKEN);
	dns_check_stop(&c);
	loop_free(&l);
}

/* A resolver that is trusted has to earn it all the time. */
static void trusted(void **state)
{
	struct loop *l = loop_new();
	struct dns_check c;

	(void)state;
	begin(&c, l, false);
	answer(&c, RESOLVER_SECURE);
	assert_int_equal(c.state, DNS_DNSSEC_GOOD);
	answer(&c, RESOLVER_INSECURE);
	assert_int_equal(c.state, DNS_DNSSEC_BROKEN);
	answer(&c, RESOLVER_SECURE);
	answer(&c, RESOLVER_BOGUS);
	assert_int_equal(c.state, DNS_DNSSEC_BROKEN);
	dns_check_stop(&c);
	loop_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bogus_after_good),
		cmocka_unit_test(bogus_before_good),
		cmocka_unit_test(trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
