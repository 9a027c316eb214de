/* SPDX-License-Identifier: Apache-2.0 */
/* libmoat, linked with the insides: every read survives each failing
 * allocation, leaves its output alone then, and leaks nothing. */
#include "moat.h"
#include "base/mem.h"
#include "tests/testing.h"

#include "base/poison.h"

static const char *const sts[] = { "v=STSv1; id=7;" };
static const char *const rpt[] = { "v=TLSRPTv1; rua=mailto:a@b.test" };
static const char policy[] = "version: STSv1\nmode: enforce\nmx: a.test\n"
			     "mx: b.test\nmax_age: 60\n";
static const char report[] =
	"{\"organization-name\":\"O\",\"report-id\":\"1\",\"policies\":[{"
	"\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"a.test\"},"
	"\"summary\":{\"total-failure-session-count\":1},\"failure-details\":"
	"[{\"result-type\":\"certificate-expired\","
	"\"failed-session-count\":1}]}]}";

static enum moat_status read_sts(void)
{
	struct moat_sts_record *h = NULL;
	enum moat_status st = moat_sts_record_read(sts, 1, &h, NULL);

	assert_int_equal(h != NULL, st == MOAT_OK);
	moat_sts_record_free(&h);
	return st;
}

static enum moat_status read_rpt(void)
{
	struct moat_tlsrpt_record *h = NULL;
	enum moat_status st = moat_tlsrpt_record_read(rpt, 1, &h, NULL);

	assert_int_equal(h != NULL, st == MOAT_OK);
	moat_tlsrpt_record_free(&h);
	return st;
}

static enum moat_status read_policy(void)
{
	struct moat_policy *h = NULL;
	enum moat_status st = moat_policy_read(
		policy, sizeof(policy) - 1, &h, NULL);

	assert_int_equal(h != NULL, st == MOAT_OK);
	moat_policy_free(&h);
	return st;
}

static enum moat_status read_report(void)
{
	struct moat_report *h = NULL;
	enum moat_status st = moat_report_read(
		report, sizeof(report) - 1, &h, NULL);

	assert_int_equal(h != NULL, st == MOAT_OK);
	moat_report_free(&h);
	return st;
}

static void every_allocation_may_fail(void **state)
{
	static enum moat_status (*const reads[])(
		void) = { read_sts, read_rpt, read_policy, read_report };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		enum moat_status st = MOAT_LIMIT;
		unsigned long n;

		for (n = 1; st == MOAT_LIMIT && n < 1000; n++) {
			mem_fail_at(n);
			st = reads[i]();
			mem_fail_at(0);
		}
		assert_int_equal(st, MOAT_OK);
		assert_true(n > 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
