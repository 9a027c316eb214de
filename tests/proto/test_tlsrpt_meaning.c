/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include "proto/tlsrpt_meaning.h"

#include "base/poison.h"

static bool is_whole(const struct tlsrpt_meaning *m)
{
	return m->name != NULL && m->what != NULL && m->side != NULL &&
	       m->todo != NULL && m->checks != NULL && m->what[0] != '\0' &&
	       m->side[0] != '\0' && m->todo[0] != '\0';
}

/* RFC 8460 section 4.3: each result type, and what is none. */
static void every_result_has_a_meaning(void **state)
{
	(void)state;
	for (int i = 0; i < TLSRPT_RESULTS; i++) {
		enum tlsrpt_result result = (enum tlsrpt_result)i;
		const struct tlsrpt_meaning *m = tlsrpt_meaning_of(result);

		assert_true(is_whole(m));
		if (result == TLSRPT_RESULT_OTHER)
			continue;
		assert_string_equal(m->name, tlsrpt_result_name(result));
		assert_true(m->checks[0] != '\0');
	}
}

/* None hides behind another that is looked for before it. */
static void every_reason_is_found(void **state)
{
	(void)state;
	for (const struct tlsrpt_meaning *m = tlsrpt_reasons; m->name != NULL;
		m++) {
		assert_true(is_whole(m));
		assert_true(m->checks[0] != '\0');
		assert_ptr_equal(tlsrpt_reason_of(str_of(m->name)), m);
	}
}

static void reasons_as_senders_write_them(void **state)
{
	static const struct {
		const char *text, *name;
	} rows[] = {
		{ "MX_HOSTS_MISMATCH", "MX_HOSTS_MISMATCH" },
		{ "mx-hosts-mismatch", "MX_HOSTS_MISMATCH" },
		{ "certificate verification failed for mx: self-signed "
		  "certificate",
			"self-signed certificate" },
		{ "error:0A000086:SSL routines::certificate verify failed: "
		  "unable to get local issuer certificate",
			"unable to get local issuer certificate" },
		{ "TLS is required, but was not offered by host mx.example",
			"TLS is required, but was not offered" },
		{ "Operation Timed Out", "timed out" },
		{ "", NULL },
		{ "tim", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct tlsrpt_meaning *m = tlsrpt_reason_of(
			str_of(rows[i].text));

		if (rows[i].name == NULL)
			assert_null(m);
		else
			assert_string_equal(m->name, rows[i].name);
	}
}

static void judgements(void **state)
{
	static const struct {
		struct tlsrpt_evidence v;
		enum tlsrpt_verdict verdict;
		enum tlsrpt_certainty certainty;
	} rows[] = {
		/* gone for everybody */
		{ { TLSRPT_STARTTLS_NOT_SUPPORTED, 5, 5, 9, 100, 0 },
			TLSRPT_VERDICT_OURS, TLSRPT_CERTAINTY_HIGH },
		/* everybody, now and then */
		{ { TLSRPT_CERTIFICATE_EXPIRED, 5, 5, 9, 10, 90 },
			TLSRPT_VERDICT_PARTLY, TLSRPT_CERTAINTY_LIKELY },
		/* many sources, not all */
		{ { TLSRPT_STARTTLS_NOT_SUPPORTED, 3, 5, 9, 10, 90 },
			TLSRPT_VERDICT_PARTLY, TLSRPT_CERTAINTY_LIKELY },
		/* one server alone */
		{ { TLSRPT_STARTTLS_NOT_SUPPORTED, 1, 5, 1, 10, 90 },
			TLSRPT_VERDICT_TAMPERING, TLSRPT_CERTAINTY_POSSIBLE },
		/* nobody on the way can make a certificate older */
		{ { TLSRPT_STS_POLICY_INVALID, 1, 5, 1, 10, 90 },
			TLSRPT_VERDICT_SENDER, TLSRPT_CERTAINTY_POSSIBLE },
		/* many servers of one organisation */
		{ { TLSRPT_CERTIFICATE_NOT_TRUSTED, 1, 5, 7, 10, 90 },
			TLSRPT_VERDICT_SENDER, TLSRPT_CERTAINTY_POSSIBLE },
		/* one reporter says nothing about the others */
		{ { TLSRPT_STARTTLS_NOT_SUPPORTED, 1, 1, 1, 10, 0 },
			TLSRPT_VERDICT_UNCLEAR, TLSRPT_CERTAINTY_NONE },
		{ { TLSRPT_STARTTLS_NOT_SUPPORTED, 0, 5, 0, 0, 90 },
			TLSRPT_VERDICT_UNCLEAR, TLSRPT_CERTAINTY_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tlsrpt_judgement j = tlsrpt_judge(&rows[i].v);

		assert_int_equal(j.verdict, rows[i].verdict);
		assert_int_equal(j.certainty, rows[i].certainty);
		assert_non_null(j.text);
	}
}

static void families(void **state)
{
	static const char *const names[TLSRPT_FAMILIES] = {
		[TLSRPT_FAMILY_OTHER] = "other",
		[TLSRPT_FAMILY_STS] = "sts",
		[TLSRPT_FAMILY_DANE] = "dane",
		[TLSRPT_FAMILY_TRANSPORT] = "transport",
	};
	enum tlsrpt_family family;

	(void)state;
	for (int i = 0; i < TLSRPT_FAMILIES; i++) {
		assert_int_equal(
			tlsrpt_family_parse(str_of(names[i]), &family), ST_OK);
		assert_int_equal(family, i);
	}
	assert_int_equal(tlsrpt_family_parse(STR("x"), &family), ST_INVALID);
	assert_int_equal(
		tlsrpt_family_of(STR("tlsa-invalid")), TLSRPT_FAMILY_DANE);
	assert_int_equal(tlsrpt_family_of(STR("odd")), TLSRPT_FAMILY_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_result_has_a_meaning),
		cmocka_unit_test(every_reason_is_found),
		cmocka_unit_test(reasons_as_senders_write_them),
		cmocka_unit_test(judgements),
		cmocka_unit_test(families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
