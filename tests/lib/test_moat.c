/* SPDX-License-Identifier: Apache-2.0 */
/* What a program that links libmoat sees: nothing but moat.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <moat.h>

#include "base/poison.h"

static enum moat_status read_policy(
	const char *text, struct moat_policy **out, struct moat_error *err)
{
	return moat_policy_read(text, strlen(text), out, err);
}

static void records(void **state)
{
	const char *const txt[] = { "v=spf1 -all", "v=STSv1; id=7;" };
	const char *const two[] = { "v=STSv1; id=7;", "v=STSv1; id=8;" };
	struct moat_sts_record *rec = NULL;
	struct moat_error err = { "" };

	(void)state;
	assert_int_equal(moat_sts_record_read(txt, 2, &rec, &err), MOAT_OK);
	assert_string_equal(moat_sts_record_id(rec), "7");
	moat_sts_record_free(&rec);
	assert_null(rec);
	moat_sts_record_free(&rec);
	assert_int_equal(moat_sts_record_read(txt, 1, &rec, &err), MOAT_NONE);
	assert_int_equal(
		moat_sts_record_read(two, 2, &rec, NULL), MOAT_INVALID);
	assert_null(rec);
	assert_non_null(strstr(err.text, "RFC 8461"));
}

static void report_addresses(void **state)
{
	const char *const txt[] = { "v=TLSRPTv1; rua=mailto:a@b.test" };
	struct moat_tlsrpt_record *rec = NULL;
	struct moat_error err = { "" };

	(void)state;
	assert_int_equal(moat_tlsrpt_record_read(txt, 1, &rec, &err), MOAT_OK);
	assert_int_equal(moat_tlsrpt_record_count(rec), 1);
	assert_string_equal(moat_tlsrpt_record_uri(rec, 0), "mailto:a@b.test");
	assert_null(moat_tlsrpt_record_uri(rec, 1));
	moat_tlsrpt_record_free(&rec);
	assert_int_equal(
		moat_tlsrpt_record_read(txt, 0, &rec, &err), MOAT_NONE);
}

static void policies(void **state)
{
	struct moat_policy *policy = NULL;
	struct moat_error err = { "" };

	(void)state;
	assert_int_equal(read_policy("version: STSv1\r\nmode: enforce\r\n"
				     "mx: MX.moat.test\r\nmx: *.moat.test\r\n"
				     "max_age: 604800\r\n",
				 &policy, &err),
		MOAT_OK);
	assert_int_equal(moat_policy_mode(policy), MOAT_MODE_ENFORCE);
	assert_int_equal(moat_policy_max_age(policy), 604800);
	assert_int_equal(moat_policy_mx_count(policy), 2);
	assert_string_equal(moat_policy_mx(policy, 0), "mx.moat.test");
	assert_null(moat_policy_mx(policy, 2));
	assert_int_equal(moat_policy_matches(policy, "A.Moat.Test."), 1);
	assert_int_equal(moat_policy_matches(policy, "a.b.moat.test"), 0);
	assert_int_equal(moat_policy_matches(policy, "*.moat.test"), 0);
	assert_int_equal(moat_policy_matches(policy, ""), 0);
	moat_policy_free(&policy);
	assert_int_equal(
		read_policy("version: STSv1\n", &policy, &err), MOAT_INVALID);
	assert_non_null(strstr(err.text, "mode is missing"));
	assert_null(policy);
	assert_int_equal(moat_match("a.moat.test", "*.moat.test"), 1);
	assert_int_equal(moat_match("a.moat.test", "*.*.test"), 0);
	assert_non_null(moat_version());
}

static void reports(void **state)
{
	static const char json[] =
		"{\"organization-name\":\"Org\",\"date-range\":{"
		"\"start-datetime\":\"2026-11-20T00:00:00Z\","
		"\"end-datetime\":\"2026-11-20T23:59:59Z\"},"
		"\"contact-info\":\"a@b.test\",\"report-id\":\"r1\","
		"\"policies\":[{\"policy\":{\"policy-type\":\"sts\","
		"\"policy-string\":[],\"policy-domain\":\"moat.test\"},"
		"\"summary\":{\"total-successful-session-count\":5,"
		"\"total-failure-session-count\":2},\"failure-details\":["
		"{\"result-type\":\"certificate-expired\","
		"\"sending-mta-ip\":\"192.0.2.1\","
		"\"failed-session-count\":2}]}]}";
	struct moat_report *report = NULL;
	const struct moat_report_failure *f;
	const struct moat_report_policy *p;
	struct moat_error err = { "" };

	(void)state;
	assert_int_equal(
		moat_report_read(json, sizeof(json) - 1, &report, &err),
		MOAT_OK);
	assert_string_equal(moat_report_organization(report), "Org");
	assert_string_equal(moat_report_contact(report), "a@b.test");
	assert_string_equal(moat_report_id(report), "r1");
	assert_int_equal(moat_report_start(report), 1795132800);
	assert_int_equal(moat_report_end(report), 1795219199);
	assert_int_equal(moat_report_policy_count(report), 1);
	p = moat_report_policy(report, 0);
	assert_string_equal(p->type, "sts");
	assert_string_equal(p->domain, "moat.test");
	assert_int_equal(p->successful_sessions, 5);
	assert_int_equal(p->failed_sessions, 2);
	assert_int_equal(p->failure_count, 1);
	f = moat_report_failure(report, 0, 0);
	assert_string_equal(f->result, "certificate-expired");
	assert_string_equal(f->sending_mta_ip, "192.0.2.1");
	assert_null(f->receiving_ip);
	assert_int_equal(f->failed_sessions, 2);
	assert_null(moat_report_policy(report, 1));
	assert_null(moat_report_failure(report, 0, 1));
	assert_null(moat_report_failure(report, 1, 0));
	moat_report_free(&report);
	assert_int_equal(moat_report_read("{", 1, &report, &err), MOAT_INVALID);
	assert_non_null(strstr(err.text, "line 1"));
	assert_null(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records),
		cmocka_unit_test(report_addresses),
		cmocka_unit_test(policies),
		cmocka_unit_test(reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
