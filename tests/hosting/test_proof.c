/* SPDX-License-Identifier: Apache-2.0 */
/* Proof: what each look shows, what it takes to lose one, and the schedule. */
#include "hosting/proof.h"
#include "hosting/publish.h"
#include "hosting/zone.h"
#include "tests/testing.h"

#include "base/poison.h"

#define US PROOF_SEEN_US
#define MISSING PROOF_SEEN_MISSING
#define OTHER PROOF_SEEN_OTHER
#define UNKNOWN PROOF_SEEN_UNKNOWN

/* Rows follow the table of proofs in docs/architecture.md. */
static void one_look(void **state)
{
	static const struct {
		enum store_proof before;
		struct proof_look look;
		enum store_proof after;
	} rows[] = {
		{ STORE_PROOF_NONE, { .cname = { US } }, STORE_PROOF_CNAME },
		{ STORE_PROOF_NONE, { .cname = { MISSING } },
			STORE_PROOF_NONE },
		{ STORE_PROOF_NONE, { .cname = { UNKNOWN } },
			STORE_PROOF_NONE },
		{ STORE_PROOF_NONE,
			{ .cname = { MISSING, MISSING, MISSING, US } },
			STORE_PROOF_ACME },
		{ STORE_PROOF_NONE, { .cname = { US, MISSING, MISSING, US } },
			STORE_PROOF_CNAME },
		/* the token alone is not enough: the host must be ours */
		{ STORE_PROOF_NONE, { .cname = { OTHER }, .token = US },
			STORE_PROOF_NONE },
		{ STORE_PROOF_NONE,
			{ .cname = { OTHER },
				.token = US,
				.address_is_ours = true },
			STORE_PROOF_TXT },
		/* what could not be looked up stays as it was */
		{ STORE_PROOF_CNAME, { .cname = { UNKNOWN } },
			STORE_PROOF_CNAME },
		{ STORE_PROOF_TXT, { .cname = { OTHER }, .token = UNKNOWN },
			STORE_PROOF_TXT },
		{ STORE_PROOF_ACME,
			{ .cname = { MISSING, MISSING, MISSING, UNKNOWN } },
			STORE_PROOF_ACME },
		{ STORE_PROOF_ACME,
			{ .cname = { MISSING, MISSING, MISSING, OTHER } },
			STORE_PROOF_NONE },
		/* one denial is no loss */
		{ STORE_PROOF_CNAME, { .cname = { OTHER } },
			STORE_PROOF_CNAME },
	};
	struct arena *a = arena_must(0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store_domain d = { .name = STR("example.com"),
			.proof = rows[i].before };
		bool changed = proof_apply(a, &d, &rows[i].look, 1000);

		assert_int_equal(d.proof, rows[i].after);
		assert_int_equal(changed, rows[i].before != rows[i].after);
		assert_int_equal(d.proof_checked, 1000);
		assert_true(d.proof_next > 1000);
	}
	arena_free(&a);
}

static void lost_after_denials_in_a_row(void **state)
{
	struct proof_look us = { .cname = { US } };
	struct proof_look other = { .cname = { OTHER } };
	struct proof_look unknown = {};
	struct store_domain d = { .name = STR("example.com") };
	struct arena *a = arena_must(0);

	(void)state;
	(void)proof_apply(a, &d, &us, 0);
	(void)proof_apply(a, &d, &other, 1);
	(void)proof_apply(a, &d, &other, 2);
	(void)proof_apply(a, &d, &us, 3);
	assert_int_equal(d.proof, STORE_PROOF_CNAME);
	(void)proof_apply(a, &d, &other, 4);
	(void)proof_apply(a, &d, &unknown, 5);
	(void)proof_apply(a, &d, &other, 6);
	(void)proof_apply(a, &d, &other, 7);
	assert_int_equal(d.proof, STORE_PROOF_CNAME);
	assert_true(proof_apply(a, &d, &other, 8));
	assert_int_equal(d.proof, STORE_PROOF_NONE);
	assert_int_equal(
		d.cname[STORE_CNAME_HOST].state, STORE_CNAME_ELSEWHERE);
	arena_free(&a);
}

static void schedule(void **state)
{
	(void)state;
	assert_int_equal(proof_delay(STORE_PROOF_NONE, 0, 0), 5);
	assert_int_equal(proof_delay(STORE_PROOF_NONE, 30, 200), 60);
	assert_int_equal(proof_delay(STORE_PROOF_NONE, 500, 9000), 3600);
	assert_int_equal(proof_delay(STORE_PROOF_CNAME, 0, 0), 3600);
}

static void unknown_waits_longer_each_time(void **state)
{
	static const int64_t waits[] = { 10, 20, 40, 80, 160, 300, 300 };
	struct proof_look unknown = {}, us = { .cname = { US } };
	struct store_domain d = { .name = STR("example.com") };
	struct arena *a = arena_must(0);

	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		(void)proof_apply(a, &d, &unknown, 0);
		assert_int_equal(d.proof_next, waits[i]);
	}
	(void)proof_apply(a, &d, &us, 0);
	(void)proof_apply(a, &d, &unknown, 0);
	assert_int_equal(d.proof_next, 3600);
	arena_free(&a);
}

static void winners(void **state)
{
	struct store_domain rows[] = {
		{ .tenant = STR("a"),
			.proof = STORE_PROOF_NONE,
			.proof_since = 9 },
		{ .tenant = STR("b"),
			.proof = STORE_PROOF_TXT,
			.proof_since = 8 },
		{ .tenant = STR("c"),
			.proof = STORE_PROOF_CNAME,
			.proof_since = 1 },
		{ .tenant = STR("d"),
			.proof = STORE_PROOF_CNAME,
			.proof_since = 2 },
	};

	(void)state;
	assert_null(publish_winner(rows, 1));
	assert_str(publish_winner(rows, 2)->tenant, "b");
	assert_str(publish_winner(rows, 3)->tenant, "c");
	assert_str(publish_winner(rows, 4)->tenant, "d");
}

/* RFC 8460 section 3: mailto or https, or both, or the customer's alone. */
static void tlsrpt_texts(void **state)
{
	struct str extra[] = { STR("mailto:tls@example.com") };
	struct zone_config c = { .origin = STR("sts.example.net"),
		.report_host = STR("rua.example.net") };
	struct store_domain d = { .label = STR("id"), .rua_mail = true };
	struct arena *a = arena_must(0);

	(void)state;
	assert_str(zone_tlsrpt_text(a, &c, &d),
		"v=TLSRPTv1; rua=mailto:id@rua.example.net");
	d.rua_https = true;
	assert_str(zone_tlsrpt_text(a, &c, &d),
		"v=TLSRPTv1; rua=mailto:id@rua.example.net,"
		"https://rua.example.net/v1/tlsrpt/id");
	d.rua_mail = false;
	d.rua_extra = (struct store_strs){ extra, 1 };
	assert_str(zone_tlsrpt_text(a, &c, &d),
		"v=TLSRPTv1; rua=https://rua.example.net/v1/tlsrpt/id,"
		"mailto:tls@example.com");
	c.report_host = (struct str){};
	assert_str(zone_tlsrpt_text(a, &c, &d),
		"v=TLSRPTv1; rua=mailto:tls@example.com");
	d.rua_extra.n = 0;
	assert_int_equal(zone_tlsrpt_text(a, &c, &d).n, 0);
	arena_free(&a);
}

/* However long the addresses in a row are: the keeper has to go on. */
static void tlsrpt_texts_of_any_length(void **state)
{
	static char long_uri[5000] = "https://a.example/";
	struct str extra = { long_uri, 0 };
	struct zone_config c = { .origin = STR("sts.example.net") };
	struct store_domain d = { .label = STR("id"),
		.rua_extra = { &extra, 1 } };
	struct store_strs none = {};

	(void)state;
	for (extra.n = 1; extra.n < sizeof(long_uri); extra.n += 7) {
		struct arena *a = arena_must(0);
		struct zone_names names = {};

		zone_domain_names(a, &c, &d, &none, true, &names);
		assert_int_equal(names.n, 4);
		arena_free(&a);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_look),
		cmocka_unit_test(lost_after_denials_in_a_row),
		cmocka_unit_test(schedule),
		cmocka_unit_test(unknown_waits_longer_each_time),
		cmocka_unit_test(winners),
		cmocka_unit_test(tlsrpt_texts),
		cmocka_unit_test(tlsrpt_texts_of_any_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
