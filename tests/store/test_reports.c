/* SPDX-License-Identifier: Apache-2.0 */
/* Reports: what is written is read again, which of them counts, which end. */
#include "engines.h"

#include "base/poison.h"

static void reports(void **state)
{
	struct store_report_failure f[] = {
		{ .result_type = STR("certificate-expired"), .sessions = 3 },
		{ .result_type = STR("starttls-not-supported"), .sessions = 1 },
	};
	struct str strings[] = { STR("version: STSv1"), STR("mode: testing") };
	struct store_report_policy p[] = {
		{ .type = STR("sts"),
			.domain = STR("example.com"),
			.strings = { strings, 2 },
			.ok = 10,
			.failed = 4,
			.failures = f,
			.n_failures = 2 },
		{ .type = STR("tlsa"), .ok = 1 },
	};
	struct store_report r = { .tenant = STR("default"),
		.id = STR("1"),
		.domain = STR("example.com"),
		.org = STR("Sender Inc"),
		.report_id = STR("x"),
		.begin = 100,
		.end = 200,
		.received = 300,
		.policies = p,
		.n_policies = 2 };
	struct store_report_filter filter = { .tenant = STR("default"),
		.limit = 10 };
	const struct store_report_keep keep = { .detail = 100 };
	struct store_report got, *rows;
	struct engine *t = *state;
	int64_t dropped;
	bool added;
	size_t n;

	OK(store_report_add(t->s, &r, &added, &t->e));
	assert_true(added);
	r.id = STR("2");
	OK(store_report_add(t->s, &r, &added, &t->e));
	assert_false(added);
	/* The same report of another domain of the tenant. */
	r.domain = STR("example.net");
	OK(store_report_add(t->s, &r, &added, &t->e));
	assert_true(added);
	OK(store_report_get(t->s, t->a, r.tenant, STR("1"), &got, &t->e));
	assert_int_equal(got.n_policies, 2);
	assert_int_equal(got.policies[0].n_failures, 2);
	assert_str(got.policies[0].failures[1].result_type,
		"starttls-not-supported");
	assert_int_equal(got.policies[0].strings.n, 2);
	assert_str(got.policies[1].type, "tlsa");
	OK(store_report_list(t->s, t->a, &filter, false, &rows, &n, &t->e));
	assert_int_equal(n, 2);
	assert_str(rows[0].id, "2");
	assert_int_equal(rows[0].n_policies, 0);
	filter.before = STR("2");
	OK(store_report_list(t->s, t->a, &filter, true, &rows, &n, &t->e));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].n_policies, 2);
	filter.from = 101;
	OK(store_report_list(t->s, t->a, &filter, true, &rows, &n, &t->e));
	assert_int_equal(n, 0);
	OK(store_report_prune(t->s, 400, &keep, 9, &dropped, &t->e));
	assert_int_equal(dropped, 0);
	OK(store_report_prune(t->s, 401, &keep, 1, &dropped, &t->e));
	assert_int_equal(dropped, 1);
	OK(store_report_prune(t->s, 401, &keep, 9, &dropped, &t->e));
	assert_int_equal(dropped, 1);
}

/* Promise 9: which report makes a later one of the same id superfluous. */
static void duplicates_by_proof(void **state)
{
	static const struct {
		const char *old_proof, *old_raw, *proof, *raw;
		bool added;
	} rows[] = {
		{ "", "a", "", "a", false }, /* sent again */
		{ "", "a", "", "b", true },  /* a stranger hides nothing */
		{ "", "a", "import", "a", true },
		{ "", "a", "dkim:s.example", "a", true },
		{ "import", "a", "", "a", false },
		{ "import", "a", "", "b", false },
		{ "import", "a", "import", "b", false },
		{ "import", "a", "dkim:s.example", "a", true },
		{ "dkim:s.example", "a", "", "b", false },
		{ "dkim:s.example", "a", "import", "b", false },
		{ "dkim:s.example", "a", "dkim:s.example", "b", false },
		{ "dkim:s.example", "a", "dkim:t.example", "a", true },
		/* A signature of somebody else hides no report of s.example. */
		{ "dkim:t.example", "a", "", "b", true },
		{ "dkim:t.example", "a", "import", "b", true },
		{ "dkim:example", "a", "import", "b", true },
		{ "dkim:a.s.example", "a", "import", "b", true },
	};
	struct engine *t = *state;
	bool added;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store_report r = { .tenant = STR("default"),
			.id = arena_fmt(t->a, "%zu-1", i),
			.report_id = arena_fmt(t->a, "%zu", i),
			.contact = STR("mailto:tls@s.example"),
			.proof = str_of(rows[i].old_proof),
			.raw_sha256 = str_of(rows[i].old_raw) };

		OK(store_report_add(t->s, &r, &added, &t->e));
		assert_true(added);
		r.id = arena_fmt(t->a, "%zu-2", i);
		r.proof = str_of(rows[i].proof);
		r.raw_sha256 = str_of(rows[i].raw);
		OK(store_report_add(t->s, &r, &added, &t->e));
		assert_int_equal(added, rows[i].added);
	}
}

/* A report about another domain, signed by who reports, was sent on to us. */
static void what_is_not_accepted_hides_nothing(void **state)
{
	struct store_report r = { .tenant = STR("default"),
		.id = STR("apart-1"),
		.report_id = STR("apart"),
		.contact = STR("tls@s.example"),
		.proof = STR("dkim:s.example"),
		.raw_sha256 = STR("a"),
		.state = STORE_REPORT_QUARANTINED };
	struct engine *t = *state;
	bool added;

	OK(store_report_add(t->s, &r, &added, &t->e));
	assert_true(added);
	r.id = STR("apart-2");
	r.raw_sha256 = STR("b");
	OK(store_report_add(t->s, &r, &added, &t->e));
	assert_false(added);
	r.state = STORE_REPORT_ACCEPTED;
	OK(store_report_add(t->s, &r, &added, &t->e));
	assert_true(added);
}

static void rules_and_counts(void **state)
{
	struct store_report r = { .tenant = STR("default") };
	struct store_report_counts n;
	struct store_report_rule rule;
	struct engine *t = *state;

	OK(store_report_rule_get(t->s, STR("default"), &rule, &t->e));
	assert_int_equal(rule.mail, STORE_REPORT_QUARANTINED);
	assert_int_equal(rule.post, STORE_REPORT_ACCEPTED);
	rule.mail = STORE_REPORT_IGNORED;
	rule.post = STORE_REPORT_QUARANTINED;
	OK(store_report_rule_put(t->s, STR("default"), &rule, &t->e));
	rule = (struct store_report_rule){};
	OK(store_report_rule_get(t->s, STR("default"), &rule, &t->e));
	assert_int_equal(rule.mail, STORE_REPORT_IGNORED);
	assert_int_equal(rule.post, STORE_REPORT_QUARANTINED);
	assert_int_equal(
		store_report_rule_get(t->s, STR("nobody"), &rule, &t->e),
		ST_NOTFOUND);
	assert_int_equal(
		store_report_rule_put(t->s, STR("nobody"), &rule, &t->e),
		ST_NOTFOUND);
	for (int i = 0; i < 6; i++) {
		r.id = arena_fmt(t->a, "%d", i);
		r.report_id = r.raw_sha256 = r.id;
		r.state = (enum store_report_state)(i % 3 == 2);
		r.proof = i == 5 ? STR("dkim:x.example") : STR("");
		OK(store_report_add(t->s, &r, NULL, &t->e));
	}
	OK(store_report_count(t->s, STR("default"), &n, &t->e));
	assert_int_equal(n.unproven[STORE_REPORT_ACCEPTED], 4);
	assert_int_equal(n.unproven[STORE_REPORT_QUARANTINED], 1);
	assert_int_equal(n.proven[STORE_REPORT_QUARANTINED], 1);
	assert_int_equal(n.proven[STORE_REPORT_ACCEPTED], 0);
}

static void raw_files_and_their_reports(void **state)
{
	struct store_report r = { .tenant = STORE_TENANT_SYSTEM,
		.id = STR("1"),
		.raw_name = STR("raw") };
	struct engine *t = *state;
	bool there = true;

	OK(store_report_has_raw(t->s, STR("raw"), &there, &t->e));
	assert_false(there);
	OK(store_report_add(t->s, &r, NULL, &t->e));
	OK(store_report_has_raw(t->s, STR("raw"), &there, &t->e));
	assert_true(there);
	OK(store_report_has_raw(t->s, STR(""), &there, &t->e));
	assert_false(there);
}

static void bad_reports(void **state)
{
	struct store_bad_report b = { .name = STR("1.post"),
		.reason = STR("first") };
	struct store_bad_report *rows;
	struct engine *t = *state;
	size_t n;

	OK(store_bad_report_put(t->s, &b, &t->e));
	b.reason = STR("second");
	OK(store_bad_report_put(t->s, &b, &t->e));
	b.name = STR("2.post");
	OK(store_bad_report_put(t->s, &b, &t->e));
	OK(store_bad_report_list(t->s, t->a, STR(""), 10, &rows, &n, &t->e));
	assert_int_equal(n, 2);
	assert_str(rows[0].name, "2.post");
	assert_str(rows[1].reason, "second");
	OK(store_bad_report_list(
		t->s, t->a, STR("2.post"), 10, &rows, &n, &t->e));
	assert_int_equal(n, 1);
}

static void unreadable_reports_end(void **state)
{
	struct store_bad_report b = { .name = STR("a"), .received = 10 };
	struct store_bad_report *rows;
	struct engine *t = *state;
	int64_t dropped;
	size_t n;

	OK(store_bad_report_put(t->s, &b, &t->e));
	b.name = STR("b");
	OK(store_bad_report_put(t->s, &b, &t->e));
	b.name = STR("c");
	b.received = 11;
	OK(store_bad_report_put(t->s, &b, &t->e));
	OK(store_bad_report_drop(t->s, STR("b"), &t->e));
	OK(store_bad_report_drop(t->s, STR("b"), &t->e));
	OK(store_bad_report_prune(t->s, 11, 9, &dropped, &t->e));
	assert_int_equal(dropped, 1);
	OK(store_bad_report_list(t->s, t->a, STR(""), 9, &rows, &n, &t->e));
	assert_int_equal(n, 1);
	assert_str(rows[0].name, "c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports),
		cmocka_unit_test(duplicates_by_proof),
		cmocka_unit_test(what_is_not_accepted_hides_nothing),
		cmocka_unit_test(rules_and_counts),
		cmocka_unit_test(raw_files_and_their_reports),
		cmocka_unit_test(bad_reports),
		cmocka_unit_test(unreadable_reports_end),
	};

	return RUN_ON_ENGINES("reports", tests);
}
