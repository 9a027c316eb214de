/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a domain in words; each row changes one thing. */
#include "tests/testing.h"

#include "hosting/domain_state.h"

#include "base/poison.h"

#define NOW 1000000

static struct store_domain served(void)
{
	static struct str mx[] = { { "mx.example.org", 14 } };

	return (struct store_domain){
		.name = STR("example.org"),
		.label = STR("abcdefghijklmnop"),
		.token = STR("token"),
		.mode = STORE_MODE_TESTING,
		.mx = { mx, 1 },
		.mx_confirmed = 1,
		.proof = STORE_PROOF_CNAME,
		.cname = { { .state = STORE_CNAME_OK },
			{ .state = STORE_CNAME_OK },
			{ .state = STORE_CNAME_OK } },
	};
}

static void expect(const struct store_domain *d, const struct store_cert *cert,
	const struct store_acme_order *order, enum domain_word word,
	const char *says)
{
	struct arena *a = arena_must(0);
	struct domain_state s = domain_state_of(
		a, d, cert, order, STR("sts.example"), NOW);

	if (s.word != word)
		fail_msg("%s: %s", domain_word_text(s.word), s.sentence.p);
	assert_true(s.sentence.n > 0 && s.next.n > 0);
	if (strstr(s.sentence.p, says) == NULL &&
		strstr(s.next.p, says) == NULL)
		fail_msg("\"%s\" and \"%s\" do not say \"%s\"", s.sentence.p,
			s.next.p, says);
	arena_free(&a);
}

static void the_first_open_question_decides(void **state)
{
	const struct store_cert cert = { .not_after = NOW + 1 };
	const struct store_cert ended = { .not_after = NOW };
	const struct store_acme_order refused = {
		.state = STORE_ORDER_QUEUED,
		.problem_detail = STR("DNS problem: SERVFAIL"),
		.next_at = NOW + 60,
	};
	const struct store_acme_order running = {
		.state = STORE_ORDER_VALIDATING
	};
	struct store_domain d = served();

	(void)state;
	expect(&d, &cert, NULL, DOMAIN_TESTING,
		"moat report summary --domain example.org), then moat domain "
		"mode example.org enforce");
	d.mode = STORE_MODE_ENFORCE;
	expect(&d, &cert, NULL, DOMAIN_ENFORCING, "Nothing to do");
	d.mode = STORE_MODE_NONE;
	expect(&d, &cert, NULL, DOMAIN_SERVING_NONE, "testing begins");
	d.cname[STORE_CNAME_STS].state = STORE_CNAME_MISSING;
	expect(&d, &cert, NULL, DOMAIN_SERVING_NONE,
		"_mta-sts.example.org CNAME "
		"_mta-sts.abcdefghijklmnop.sts.example.");

	d = served();
	expect(&d, NULL, NULL, DOMAIN_GETTING_CERT, "no certificate yet");
	expect(&d, NULL, &running, DOMAIN_GETTING_CERT, "on its way");
	expect(&d, &ended, NULL, DOMAIN_GETTING_CERT, "has run out");
	expect(&d, NULL, &refused, DOMAIN_NEEDS_ATTENTION, "SERVFAIL");
	expect(&d, &cert, &refused, DOMAIN_TESTING, "Watch");

	d.proof = STORE_PROOF_NONE;
	expect(&d, NULL, NULL, DOMAIN_SET_UP_DNS, "Publish mta-sts.example");
	d.proof = STORE_PROOF_ACME;
	expect(&d, &cert, NULL, DOMAIN_SET_UP_DNS, "looks again by itself");
	d.proof = STORE_PROOF_TXT;
	expect(&d, &cert, NULL, DOMAIN_TESTING, "Watch");

	d.mx_confirmed = 0;
	expect(&d, &cert, NULL, DOMAIN_CONFIRM_MX, "--confirm");
	d.mx = (struct store_strs){};
	expect(&d, &cert, NULL, DOMAIN_CONFIRM_MX, "--mx HOST... names them");
	d.attention = STR("two tenants claim it");
	expect(&d, &cert, NULL, DOMAIN_NEEDS_ATTENTION, "two tenants");
	d.retiring = NOW;
	expect(&d, &cert, NULL, DOMAIN_RETIRING, "No sender can hold");
	d.not_none_until = NOW + 1;
	expect(&d, &cert, NULL, DOMAIN_RETIRING, "Keep the CNAMEs");
	d.removed = NOW;
	expect(&d, &cert, NULL, DOMAIN_REMOVED, "can be deleted");
}

static void records_to_publish(void **state)
{
	static const char *const rows[DOMAIN_RECORDS][3] = {
		{ "mta-sts.example.org", "CNAME",
			"abcdefghijklmnop.sts.example" },
		{ "_mta-sts.example.org", "CNAME",
			"_mta-sts.abcdefghijklmnop.sts.example" },
		{ "_smtp._tls.example.org", "CNAME",
			"_smtp._tls.abcdefghijklmnop.sts.example" },
		{ "_acme-challenge.mta-sts.example.org", "CNAME",
			"_acme-challenge.abcdefghijklmnop.sts.example" },
		{ "_moat.example.org", "TXT", "token" },
	};
	struct domain_record r[DOMAIN_RECORDS];
	struct arena *a = arena_must(0);
	struct store_domain d = served();

	(void)state;
	domain_records(a, &d, STR("sts.example"), r);
	for (size_t i = 0; i < DOMAIN_RECORDS; i++) {
		assert_str(r[i].owner, rows[i][0]);
		assert_str(r[i].type, rows[i][1]);
		assert_str(r[i].value, rows[i][2]);
		assert_int_equal(r[i].optional, i >= STORE_CNAME_ACME);
	}
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_open_question_decides),
		cmocka_unit_test(records_to_publish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
