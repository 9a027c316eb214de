/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include "hosting/acme_message.h"

#include "base/poison.h"

static struct arena *a;
static struct err e;

static int setup(void **state)
{
	(void)state;
	a = arena_must(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(&a);
	return 0;
}

static void directory_names_what_is_missing(void **state)
{
	struct acme_directory d;

	(void)state;
	assert_int_equal(
		acme_directory_parse(a,
			STR("{\"newNonce\":\"https://ca/n\",\"newAccount\":"
			    "\"https://ca/a\",\"newOrder\":\"https://ca/o\","
			    "\"renewalInfo\":\"https://ca/r\",\"meta\":{"
			    "\"externalAccountRequired\":true,\"profiles\":{"
			    "\"classic\":\"x\",\"shortlived\":\"y\"}}}"),
			&d, &e),
		ST_OK);
	assert_str(d.renewal_info, "https://ca/r");
	assert_true(d.needs_eab);
	assert_int_equal(d.n_profiles, 2);
	assert_str(d.profiles[1], "shortlived");
	assert_int_equal(
		acme_directory_parse(
			a, STR("{\"newNonce\":\"https://ca/n\"}"), &d, &e),
		ST_INVALID);
	assert_non_null(strstr(e.text, "newAccount"));
	assert_int_equal(
		acme_directory_parse(a, STR("<html>"), &d, &e), ST_INVALID);
	assert_int_equal(
		acme_directory_parse(a, STR("[1]"), &d, &e), ST_INVALID);
}

static void order_states_follow_the_rfc(void **state)
{
	static const struct {
		const char *text;
		enum status st;
		enum acme_state want;
	} rows[] = {
		/* RFC 8555 section 7.1.6 */
		{ "{\"status\":\"pending\",\"finalize\":\"f\"}", ST_OK,
			ACME_PENDING },
		{ "{\"status\":\"ready\",\"finalize\":\"f\"}", ST_OK,
			ACME_READY },
		{ "{\"status\":\"processing\",\"finalize\":\"f\"}", ST_OK,
			ACME_PROCESSING },
		{ "{\"status\":\"valid\",\"finalize\":\"f\","
		  "\"certificate\":\"c\"}",
			ST_OK, ACME_VALID },
		{ "{\"status\":\"valid\",\"finalize\":\"f\"}", ST_INVALID, 0 },
		{ "{\"status\":\"invalid\",\"finalize\":\"f\"}", ST_OK,
			ACME_INVALID },
		{ "{\"status\":7,\"finalize\":\"f\"}", ST_OK, ACME_OTHER },
		{ "{\"status\":\"ready\"}", ST_INVALID, 0 },
	};
	struct acme_order_info o;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
			acme_order_parse(a, str_of(rows[i].text), &o, &e),
			rows[i].st);
		if (rows[i].st == ST_OK)
			assert_int_equal(o.state, rows[i].want);
	}
}

static void challenge_error_is_kept_for_people(void **state)
{
	struct acme_authz_info i;

	(void)state;
	assert_int_equal(
		acme_authz_parse(a,
			STR("{\"status\":\"invalid\",\"identifier\":{\"type\":"
			    "\"dns\",\"value\":\"mta-sts.a.test\"},"
			    "\"challenges\":[{\"type\":\"http-01\",\"url\":"
			    "\"https://ca/c\",\"token\":\"t\",\"status\":"
			    "\"invalid\",\"error\":{\"type\":\"urn:ietf:params:"
			    "acme:error:connection\",\"detail\":\"refused\"}},"
			    "{\"nonsense\":1}]}"),
			&i, &e),
		ST_OK);
	assert_int_equal(i.state, ACME_INVALID);
	assert_int_equal(i.n_challenges, 1);
	assert_true(acme_problem_is(&i.challenges[0].problem, "connection"));
	assert_str(i.challenges[0].problem.detail, "refused");
}

static void subproblems_are_told_with_their_names(void **state)
{
	struct acme_problem p;

	(void)state;
	acme_problem_parse(a, 403,
		STR("{\"type\":\"urn:ietf:params:acme:error:rejectedIdentifier"
		    "\",\"detail\":\"no\",\"subproblems\":[{\"type\":\"x\","
		    "\"detail\":\"on a list\",\"identifier\":{\"value\":"
		    "\"mta-sts.a.test\"}}]}"),
		&p);
	assert_true(acme_problem_is(&p, "rejectedIdentifier"));
	assert_false(acme_problem_is(&p, "rejected"));
	assert_str(p.detail, "no; mta-sts.a.test: on a list");
	acme_problem_parse(a, 502, STR("<h1>Bad gateway</h1>"), &p);
	assert_int_equal(p.type.n, 0);
	assert_str(p.detail, "HTTP status 502: <h1>Bad gateway</h1>");
}

static void renewal_window_must_have_a_width(void **state)
{
	struct acme_renewal_info i;

	(void)state;
	assert_int_equal(
		acme_renewal_parse(a,
			STR("{\"suggestedWindow\":{\"start\":\"2026-01-02T04:"
			    "00:00Z\",\"end\":\"2026-01-03T04:00:00Z\"},"
			    "\"explanationURL\":\"https://ca/why\"}"),
			&i, &e),
		ST_OK);
	assert_int_equal(i.end.s - i.start.s, UTC_DAY_S);
	assert_str(i.explanation, "https://ca/why");
	assert_int_equal(
		acme_renewal_parse(a,
			STR("{\"suggestedWindow\":{\"start\":\"2026-01-02T04:"
			    "00:00Z\",\"end\":\"2026-01-02T04:00:00Z\"}}"),
			&i, &e),
		ST_INVALID);
	assert_int_equal(acme_renewal_parse(a, STR("{}"), &i, &e), ST_INVALID);
}

static void retry_after_is_read_and_bounded(void **state)
{
	/* Sun, 06 Nov 1994 08:49:37 GMT is RFC 9110's own example. */
	struct unix_time now = { 784111777 - 30 };

	(void)state;
	assert_int_equal(acme_retry_after(STR("120"), now, 5, 1, 600), 120);
	assert_int_equal(acme_retry_after(STR("99999"), now, 5, 1, 600), 600);
	assert_int_equal(acme_retry_after(STR("0"), now, 5, 1, 600), 1);
	assert_int_equal(acme_retry_after(STR("soon"), now, 5, 1, 600), 5);
	assert_int_equal(acme_retry_after(STR(""), now, 5, 1, 600), 5);
	assert_int_equal(acme_retry_after(STR("Sun, 06 Nov 1994 08:49:37 GMT"),
				 now, 5, 1, 600),
		30);
	assert_int_equal(acme_retry_after(STR("Sun, 06 Xyz 1994 08:49:37 GMT"),
				 now, 5, 1, 600),
		5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directory_names_what_is_missing),
		cmocka_unit_test(order_states_follow_the_rfc),
		cmocka_unit_test(challenge_error_is_kept_for_people),
		cmocka_unit_test(subproblems_are_told_with_their_names),
		cmocka_unit_test(renewal_window_must_have_a_width),
		cmocka_unit_test(retry_after_is_read_and_bounded),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
