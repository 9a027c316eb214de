/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reports add up to: after whatever was added, replaced, read again and
 * erased, the sums are those of a recount from the reports that are there.
 */
#include "engines.h"

#include "store/alert.h"
#include "store/report_view.h"
#include "store/rollup.h"

#include "base/poison.h"

#define DAY 86400
#define ALL_DAYS 100000
#define STEPS 400

static const struct str orgs[] = { STR("Google Inc."), STR("Microsoft"),
	STR("=cmd|x") };
static const struct str domains[] = { STR("a.example"), STR("b.example") };
static const struct str types[] = { STR("sts"), STR("tlsa") };
static const struct str results[] = { STR("certificate-expired"),
	STR("starttls-not-supported"), STR("sts-policy-fetch-error"),
	STR("odd") };
static const struct str ips[] = { STR(""), STR("192.0.2.1"),
	STR("2001:db8::1") };
static const struct str hosts[] = { STR("mx1.a.example"), STR("MX1.a.example."),
	STR("") };
static const struct str proofs[] = { STR(""), STR("import"),
	STR("dkim:s.example") };

#define PICK(list) (list)[rng(sizeof(list) / sizeof((list)[0]))]

static uint64_t seed;

static size_t rng(size_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(seed >> 33) % n;
}

static struct store_report random_report(struct arena *a, size_t no)
{
	struct store_report_policy *p = arena_array(a, 2, sizeof(*p));
	struct store_report r = { .tenant = STORE_TENANT_DEFAULT,
		.id = arena_fmt(a, "%06zu", no),
		.domain = PICK(domains),
		.org = PICK(orgs),
		.report_id = arena_fmt(a, "%zu", rng(12)),
		.contact = STR("tls@s.example"),
		.begin = (int64_t)rng(3) * DAY,
		.received = (int64_t)rng(1000),
		.proof = PICK(proofs),
		.state = rng(5) == 0 ? STORE_REPORT_QUARANTINED
				     : STORE_REPORT_ACCEPTED,
		.raw_name = arena_fmt(a, "raw-%zu", rng(40)),
		.raw_sha256 = arena_fmt(a, "%zu", rng(4)),
		.policies = p,
		.n_policies = rng(3) };

	for (size_t i = 0; i < r.n_policies; i++) {
		struct store_report_failure *f = arena_array(a, 3, sizeof(*f));

		p[i] = (struct store_report_policy){ .type = PICK(types),
			.strings = { arena_alloc(a, sizeof(struct str)), 1 },
			.ok = (int64_t)rng(50),
			.failed = rng(9) == 0 ? INT64_MAX : (int64_t)rng(50),
			.failures = f,
			.n_failures = rng(4) };
		p[i].strings.items[0] = arena_fmt(a, "mode: %zu", rng(2));
		for (size_t k = 0; k < p[i].n_failures; k++)
			f[k] = (struct store_report_failure){
				.result_type = PICK(results),
				.sending_ip = PICK(ips),
				.receiving_host = PICK(hosts),
				.reason_code = PICK(results),
				.sessions = (int64_t)rng(20)
			};
	}
	return r;
}

/* All rows of all views, as text. */
static struct str views_of(struct engine *t, struct store *s, struct str domain)
{
	struct sbuf b = sbuf_arena(t->a, 1 << 20);

	for (int v = 0; v < STORE_VIEWS; v++) {
		struct store_view_filter f = { .view = (enum store_view)v,
			.tenant = STORE_TENANT_DEFAULT,
			.domain = domain,
			.to = ALL_DAYS,
			.limit = 10000 };
		struct store_view_row *rows;
		size_t n;

		OK(store_view_list(s, t->a, &f, &rows, &n, &t->e));
		for (size_t i = 0; i < n; i++)
			sbuf_fmt(&b,
				"%d %.*s %d|%.*s|%.*s|%.*s| %lld-%lld %lld "
				"%lld %lld\n",
				v, STR_ARG(rows[i].policy_type),
				rows[i].unproven, STR_ARG(rows[i].keys[0]),
				STR_ARG(rows[i].keys[1]),
				STR_ARG(rows[i].keys[2]),
				(long long)rows[i].first_day,
				(long long)rows[i].last_day,
				(long long)rows[i].counts,
				(long long)rows[i].ok,
				(long long)rows[i].failed);
	}
	assert_true(sbuf_ok(&b));
	return sbuf_str(&b);
}

static struct store_report *all_reports(
	struct engine *t, enum store_report_state state, size_t *n)
{
	struct store_report_filter f = {
		.tenant = STORE_TENANT_DEFAULT, .limit = 1000, .state = state
	};
	struct store_report *rows;

	OK(store_report_list(t->s, t->a, &f, true, &rows, n, &t->e));
	return rows;
}

/* Adds every report that is there to a database of its own, and compares. */
static void recount(struct engine *t)
{
	struct store *fresh = NULL;
	struct store_report *rows;
	size_t n;

	OK(store_open(":memory:", &fresh, &t->e));
	rows = all_reports(t, STORE_REPORT_ACCEPTED, &n);
	for (size_t i = 0; i < n; i++) {
		bool added;

		/* Which one replaces which is not asked again. */
		rows[i].report_id = rows[i].id;
		OK(store_report_add(fresh, &rows[i], &added, &t->e));
		assert_true(added);
	}
	for (size_t i = 0; i < 3; i++) {
		struct str domain = i < 2 ? domains[i] : STR("");
		struct str have = views_of(t, t->s, domain);
		struct str want = views_of(t, fresh, domain);

		if (!str_eq(have, want))
			fail_msg("have:\n%.*s\nwant:\n%.*s", STR_ARG(have),
				STR_ARG(want));
	}
	store_close(&fresh);
}

/* Adds, reads again or erases. */
static void change(struct engine *t, size_t no)
{
	struct store_report r = random_report(t->a, no);
	struct store_strs raw;
	int64_t day = (int64_t)rng(3);

	if (rng(30) == 0)
		OK(store_report_erase(t->s, t->a, STORE_TENANT_DEFAULT,
			PICK(domains), day, day + 1, &raw, NULL, &t->e));
	else if (rng(6) == 0)
		OK(store_report_drop_raw(t->s, r.raw_name, &t->e));
	else
		OK(store_report_add(t->s, &r, NULL, &t->e));
}

static void sums_are_those_of_a_recount(void **state)
{
	struct engine *t = *state;

	seed = 1;
	for (size_t i = 0; i < STEPS; i++) {
		change(t, i);
		if (i % 40 == 39)
			recount(t);
	}
	recount(t);
	/* Nothing is left of what is erased. */
	for (size_t i = 0; i < 2; i++) {
		struct store_strs raw;

		OK(store_report_erase(t->s, t->a, STORE_TENANT_DEFAULT,
			domains[i], 0, ALL_DAYS, &raw, NULL, &t->e));
	}
	assert_str(views_of(t, t->s, STR("")), "");
}

/* What schema 8 had, made of what there was in 9. */
#define BACK_TO_8                                                              \
	"ALTER TABLE rollup RENAME TO days;"                                   \
	"DROP INDEX rollup_day;"                                               \
	"CREATE TABLE rollup AS SELECT r.tenant, domain, kind, day, unproven," \
	" policy_type, k1, k2, k3, family, n, ok, failed FROM days r"          \
	" JOIN series s ON s.tenant = r.tenant AND s.id = r.series;"           \
	"CREATE INDEX rollup_day ON rollup (tenant, day);"                     \
	"DROP TABLE days;"                                                     \
	"DROP TABLE series;"                                                   \
	"DELETE FROM schema_version WHERE version > 8;"

/* The names of reporters that were signed for are other ones since 10. */
static void sums_of_an_older_schema_stay(void **state)
{
	static const char *const olds[] = { BACK_TO_8, "" };
	struct engine *t = *state;
	struct str views[2];

	for (size_t i = 0; i < 2; i++) {
		store_close(&t->s);
		assert_int_equal(
			system(arena_fmt(t->a,
				"rm -f %s*; sqlite3 %s < " SCHEMA_9
				" && sqlite3 %s '%s'",
				t->target, t->target, t->target, olds[i])
					.p),
			0);
		OK(store_open(t->target, &t->s, &t->e));
		views[i] = views_of(t, t->s, STR(""));
	}
	assert_true(views[0].n > 1000);
	assert_true(str_eq(views[0], views[1]));
}

/* Several changes in one transaction, looked at in its midst or not. */
static void transactions_add_up_too(void **state)
{
	struct engine *t = *state;

	seed = 2;
	for (size_t i = 0; i < STEPS;) {
		struct str before = views_of(t, t->s, STR(""));
		bool undo = rng(4) == 0;

		OK(store_begin(t->s, &t->e));
		for (size_t k = rng(20); k > 0; k--, i++) {
			change(t, i);
			if (rng(10) == 0)
				(void)views_of(t, t->s, STR(""));
		}
		if (rng(8) == 0)
			recount(t);
		if (!undo) {
			OK(store_commit(t->s, &t->e));
			if (rng(5) == 0)
				recount(t);
			continue;
		}
		store_rollback(t->s);
		assert_true(str_eq(views_of(t, t->s, STR("")), before));
	}
	recount(t);
}

/* The last: sums stay when details go, and a replay adds nothing. */
static void sums_outlive_details(void **state)
{
	const struct store_report_keep keep = { .detail = 1, .totals = DAY };
	struct engine *t = *state;
	struct store_report r;
	struct str before;
	int64_t rows;
	bool added;
	size_t n;

	seed = 7;
	do {
		r = random_report(t->a, 1);
	} while (r.n_policies == 0 || r.state != STORE_REPORT_ACCEPTED);
	r.begin = 5 * DAY;
	r.received = 5 * DAY;
	OK(store_report_add(t->s, &r, NULL, &t->e));
	before = views_of(t, t->s, r.domain);
	assert_true(before.n > 0);
	OK(store_report_prune(t->s, 6 * DAY, &keep, 9, &rows, &t->e));
	assert_int_equal(rows, 1);
	(void)all_reports(t, STORE_REPORT_ACCEPTED, &n);
	assert_int_equal(n, 0);
	assert_true(str_eq(views_of(t, t->s, r.domain), before));
	OK(store_report_drop_raw(t->s, r.raw_name, &t->e));
	OK(store_report_add(t->s, &r, &added, &t->e));
	assert_false(added);
	assert_true(str_eq(views_of(t, t->s, r.domain), before));
	OK(store_report_prune(t->s, 7 * DAY, &keep, 9, &rows, &t->e));
	assert_str(views_of(t, t->s, r.domain), "");
}

/* Microsoft's sts and tlsa rows of one report count the same sessions. */
static void policy_types_stay_apart(void **state)
{
	struct store_report_policy p[] = {
		{ .type = STR("sts"), .ok = 10, .failed = 1 },
		{ .type = STR("tlsa"), .ok = 10, .failed = 1 },
	};
	struct store_report r = { .tenant = STORE_TENANT_DEFAULT,
		.id = STR("1"),
		.domain = STR("a.example"),
		.proof = STR("import"),
		.policies = p,
		.n_policies = 2 };
	struct store_view_filter f = {
		.tenant = STORE_TENANT_DEFAULT, .to = 1, .limit = 9
	};
	struct store_view_row *rows;
	struct engine *t = *state;
	size_t n;

	OK(store_report_add(t->s, &r, NULL, &t->e));
	/* A stranger's stands apart. */
	r.id = r.report_id = STR("2");
	r.proof = STR("");
	OK(store_report_add(t->s, &r, NULL, &t->e));
	OK(store_view_list(t->s, t->a, &f, &rows, &n, &t->e));
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(rows[i].ok, 10);
	f.proven_only = true;
	OK(store_view_list(t->s, t->a, &f, &rows, &n, &t->e));
	assert_int_equal(n, 2);
	assert_false(rows[0].unproven);
}

/* Of more sources than have rows of their own, those count that matter most. */
static void many_sources_are_one(void **state)
{
	enum { MANY = 1100, OWN = 1000 };
	static struct store_report_failure f[MANY + 1];
	struct store_report_policy p = {
		.type = STR("sts"), .failures = f, .n_failures = MANY + 1
	};
	struct store_report r = { .tenant = STORE_TENANT_DEFAULT,
		.id = STR("1"),
		.domain = STR("a.example"),
		.org = STR("X"),
		.raw_name = STR("raw"),
		.policies = &p,
		.n_policies = 1 };
	struct store_view_filter view = { .view = STORE_VIEW_SOURCE,
		.tenant = STORE_TENANT_DEFAULT,
		.to = 1,
		.limit = 2 * OWN };
	struct store_view_row *rows;
	struct engine *t = *state;
	size_t n;

	for (size_t i = 0; i < MANY; i++)
		f[i] = (struct store_report_failure){ .result_type = STR("odd"),
			.sending_ip = arena_fmt(
				t->a, "10.0.%zu.%zu", i / 100, i % 100),
			.sessions = (int64_t)i };
	f[MANY] = f[0]; /* again, and more than all */
	f[MANY].sessions = 100000;
	OK(store_report_add(t->s, &r, NULL, &t->e));
	OK(store_view_list(t->s, t->a, &view, &rows, &n, &t->e));
	assert_int_equal(n, OWN + 1);
	assert_str(rows[0].keys[1], "10.0.0.0");
	assert_int_equal(rows[0].counts, 2);
	assert_str(rows[1].keys[1], "");
	assert_int_equal(rows[1].failed, 100 * 101 / 2);
	assert_int_equal(rows[1].counts, MANY - OWN);
	assert_str(rows[2].keys[1], "10.0.10.99");
	assert_str(rows[OWN].keys[1], "10.0.1.1");
	view.limit = 2;
	OK(store_view_list(t->s, t->a, &view, &rows, &n, &t->e));
	assert_int_equal(n, 2);
	view.result = STR("other");
	OK(store_view_list(t->s, t->a, &view, &rows, &n, &t->e));
	assert_int_equal(n, 0);
	view.result = STR("");
	view.from = 1;
	view.to = 2;
	OK(store_view_list(t->s, t->a, &view, &rows, &n, &t->e));
	assert_int_equal(n, 0);
	OK(store_report_drop_raw(t->s, STR("raw"), &t->e));
	assert_str(views_of(t, t->s, STR("")), "");

	/* Nor do names of result types that are made up have rows. */
	view.from = 0;
	view.to = 1;
	view.limit = 2 * OWN;
	for (size_t i = 0; i < MANY; i++)
		f[i].result_type = arena_fmt(t->a, "odd%zu", i);
	OK(store_report_add(t->s, &r, NULL, &t->e));
	OK(store_view_list(t->s, t->a, &view, &rows, &n, &t->e));
	assert_int_equal(n, OWN + 1);

	/* When it was counted in an older schema, the row was not there. */
	r.id = STR("2");
	r.report_id = STR("another");
	r.raw_name = STR("old");
	OK(store_report_add(t->s, &r, NULL, &t->e));
	store_close(&t->s);
	assert_int_equal(system(arena_fmt(t->a,
				 "sqlite3 %s \"UPDATE report SET reporter = '' "
				 "WHERE id = '2'\"",
				 t->target)
					 .p),
		0);
	OK(store_open(t->target, &t->s, &t->e));
	OK(store_report_drop_raw(t->s, STR("old"), &t->e));
	OK(store_view_list(t->s, t->a, &view, &rows, &n, &t->e));
	assert_str(rows[1].keys[1], "");
	assert_int_equal(rows[1].counts, 2 * (MANY + 1 - OWN));
	OK(store_report_drop_raw(t->s, STR("raw"), &t->e));
}

/* Adds a report of one failure each, of one name with several proofs. */
static void add_of_one_name(struct engine *t, struct str org)
{
	static const struct str of[] = { STR("dkim:google.com"),
		STR("dkim:evil.example"), STR("import"), STR("") };
	struct store_report_failure f = { .result_type = STR("odd"),
		.sending_ip = STR("192.0.2.1"),
		.sessions = 1 };
	struct store_report_policy p = {
		.type = STR("sts"), .failures = &f, .n_failures = 1
	};
	struct store_report r = { .tenant = STORE_TENANT_DEFAULT,
		.domain = STR("a.example"),
		.org = org,
		.policies = &p,
		.n_policies = 1 };

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		r.id = r.report_id = r.raw_name = r.raw_sha256 = arena_fmt(
			t->a, "%zu", i);
		r.proof = of[i];
		OK(store_report_add(t->s, &r, NULL, &t->e));
	}
}

/* Anybody may call himself Google, and sign with a domain of his own. */
static void a_name_is_not_a_proof(void **state)
{
	/* Proven or not, and whose. */
	static const char *const names[] = { "0|Google", "1|Google",
		"0|Google (evil.example)", "0|Google (google.com)" };
	static const struct {
		enum store_view view;
		const char *rest;
	} views[] = { { STORE_VIEW_SOURCE, "192.0.2.1|odd| 0-0 1 0 1\n" },
		{ STORE_VIEW_REPORTER, "|| 0-0 1 0 0\n" } };
	static const struct {
		const char *asked;
		size_t n;
	} filters[] = { { "Google (google.com)", 1 },
		{ "Google (evil.example)", 1 }, { "Google", 4 },
		{ "google.com", 0 } };
	struct store_failure_filter filter = { .tenant = STORE_TENANT_DEFAULT,
		.limit = 9 };
	struct engine *t = *state;
	struct store_failure *failures;
	struct str text;
	size_t n;

	add_of_one_name(t, STR("Google"));
	text = views_of(t, t->s, STR("a.example"));
	for (size_t i = 0; i < 2; i++) {
		struct sbuf b = sbuf_arena(t->a, 1000);

		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			sbuf_fmt(&b, "%d sts %s|%s", views[i].view, names[k],
				views[i].rest);
		assert_non_null(memmem(text.p, text.n, b.p, b.n));
	}
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		filter.reporter = str_of(filters[i].asked);
		OK(store_failure_list(
			t->s, t->a, &filter, &failures, &n, &t->e));
		assert_int_equal(n, filters[i].n);
	}
	filter.reporter = STR("");
	OK(store_failure_list(t->s, t->a, &filter, &failures, &n, &t->e));
	assert_str(failures[0].reporter, "Google");
	assert_str(failures[3].reporter, "Google (google.com)");
}

static void a_long_name_hides_no_proof(void **state)
{
	struct store_view_filter f = { .view = STORE_VIEW_REPORTER,
		.tenant = STORE_TENANT_DEFAULT,
		.to = 1,
		.limit = 9 };
	struct store_view_row *rows;
	struct engine *t = *state;
	char org[400];
	size_t n;

	memset(org, 'x', sizeof(org));
	add_of_one_name(t, (struct str){ org, sizeof(org) });
	OK(store_view_list(t->s, t->a, &f, &rows, &n, &t->e));
	assert_int_equal(n, 4);
	assert_true(str_ends(rows[0].keys[0], STR("xx (evil.example)")));
	assert_true(str_ends(rows[1].keys[0], STR("xx (google.com)")));
	for (size_t i = 0; i < n; i++)
		assert_in_range(rows[i].keys[0].n, 299, 300);
}

/* Brackets are the signer's: who writes his own is not taken for the signed. */
static void brackets_are_no_proof(void **state)
{
	struct store_view_filter f = { .view = STORE_VIEW_REPORTER,
		.tenant = STORE_TENANT_DEFAULT,
		.to = 1,
		.limit = 9 };
	struct store_view_row *rows;
	struct engine *t = *state;
	size_t n, imported = 0;

	add_of_one_name(t, STR("Google (google.com)"));
	OK(store_view_list(t->s, t->a, &f, &rows, &n, &t->e));
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++)
		imported += str_eq(
			rows[i].keys[0], STR("Google (google.com) ()"));
	assert_int_equal(imported, 2); /* and the unproven one */
}

/* Nor is who says "dkim:" in an imported report the one who signs. */
static void a_word_is_no_proof(void **state)
{
	static const char *const names[] = { "evil.example", "google.com",
		"dkim:google.com" };
	struct store_alert_facts facts;
	struct engine *t = *state;

	add_of_one_name(t, STR("dkim:google.com"));
	OK(store_alert_facts_get(t->s, t->a, STORE_TENANT_DEFAULT,
		STR("a.example"), 0, &facts, &t->e));
	assert_int_equal(facts.n_reporters, 3);
	for (size_t i = 0; i < 3; i++)
		assert_str(facts.reporters[i].name, names[i]);
}

/* What an older schema counted under the organisation alone. */
static void old_names_are_taken_back(void **state)
{
	struct engine *t = *state;

	add_of_one_name(t, STR("Google"));
	store_close(&t->s);
	assert_int_equal(
		system(arena_fmt(t->a,
			"sqlite3 %s \"UPDATE report SET reporter = '', "
			"org = 'Old' WHERE proof = 'dkim:google.com'; "
			"UPDATE series SET k1 = 'Old' WHERE k1 = "
			"'Google (google.com)'\"",
			t->target)
				.p),
		0);
	OK(store_open(t->target, &t->s, &t->e));
	for (size_t i = 0; i < 4; i++)
		OK(store_report_drop_raw(
			t->s, arena_fmt(t->a, "%zu", i), &t->e));
	assert_str(views_of(t, t->s, STR("")), "");
}

/*
 * Strangers choose what a line of a report counts. Without an end to it sums of
 * 64 bits overflow, and the views, alerts and digests of the domain fail.
 */
static void no_line_counts_without_end(void **state)
{
	const int64_t most = ROLLUP_SESSIONS_MAX, lines = 900000000;
	struct store_report_failure f = { .result_type = STR("odd"),
		.sessions = INT64_MAX };
	struct store_report_policy p = { .type = STR("sts"),
		.ok = INT64_MAX,
		.failed = INT64_MAX,
		.failures = &f,
		.n_failures = 1 };
	struct store_report r = { .tenant = STORE_TENANT_DEFAULT,
		.id = STR("1"),
		.domain = STR("a.example"),
		.proof = STR("import"),
		.received = 1,
		.policies = &p,
		.n_policies = 1 };
	struct store_alert_facts facts;
	struct tlsrpt_digest digest;
	struct engine *t = *state;
	struct str text;

	assert_true(most <= INT64_MAX / lines);
	OK(store_report_add(t->s, &r, NULL, &t->e));
	text = arena_fmt(t->a, "0 sts 0|||| 0-0 1 %lld %lld\n", (long long)most,
		(long long)most);
	assert_true(str_starts(views_of(t, t->s, STR("")), text));
	OK(store_alert_facts_get(t->s, t->a, STORE_TENANT_DEFAULT,
		STR("a.example"), 0, &facts, &t->e));
	assert_int_equal(facts.reporters[0].sessions, 2 * most);
	assert_int_equal(facts.reporters[0].failed, most);
	assert_int_equal(facts.failures[0].sessions, most);
	OK(store_digest_get(
		t->s, t->a, STORE_TENANT_DEFAULT, false, 0, &digest, &t->e));
	assert_int_equal(digest.sums.ok, most);
	assert_int_equal(digest.sums.failed, most);
	assert_int_equal(digest.failures[0].failed, most);
}

/* Sums are written at the end: whoever fails there goes on all the same. */
static void a_failed_commit_leaves_nothing_open(void **state)
{
	struct engine *t = *state;
	size_t n;

	assert_int_equal(system(arena_fmt(t->a,
				 "sqlite3 %s 'DROP TABLE series'", t->target)
					 .p),
		0);
	OK(store_begin(t->s, &t->e));
	add_of_one_name(t, STR("Google"));
	assert_int_equal(store_commit(t->s, &t->e), ST_PERM);
	assert_false(store_in_transaction(t->s));
	(void)all_reports(t, STORE_REPORT_ACCEPTED, &n);
	assert_int_equal(n, 0);
	OK(store_begin(t->s, &t->e));
	OK(store_commit(t->s, &t->e));
}

static void a_better_proof_takes_the_place(void **state)
{
	struct store_report_policy p = { .type = STR("sts"), .ok = 10 };
	struct store_report r = { .tenant = STORE_TENANT_DEFAULT,
		.id = STR("1"),
		.domain = STR("a.example"),
		.contact = STR("tls@s.example"),
		.policies = &p,
		.n_policies = 1 };
	struct store_view_filter f = {
		.tenant = STORE_TENANT_DEFAULT, .to = 1, .limit = 9
	};
	struct store_view_row *rows;
	struct engine *t = *state;
	size_t n;

	OK(store_report_add(t->s, &r, NULL, &t->e));
	/* Whoever signs for another domain replaces nothing. */
	r.id = STR("2");
	r.proof = STR("dkim:evil.example");
	OK(store_report_add(t->s, &r, NULL, &t->e));
	OK(store_view_list(t->s, t->a, &f, &rows, &n, &t->e));
	assert_int_equal(n, 2);
	r.id = STR("3");
	r.proof = STR("dkim:s.example");
	OK(store_report_add(t->s, &r, NULL, &t->e));
	OK(store_view_list(t->s, t->a, &f, &rows, &n, &t->e));
	assert_int_equal(n, 1);
	assert_false(rows[0].unproven);
	assert_int_equal(rows[0].counts, 2);
}

static void spread_and_single_failures(void **state)
{
	struct store_report_failure f[] = {
		{ .result_type = STR("certificate-expired"),
			.sending_ip = STR("192.0.2.1"),
			.sessions = 3 },
		{ .result_type = STR("sts-policy-invalid"), .sessions = 2 },
	};
	struct store_report_policy p = {
		.type = STR("sts"), .ok = 10, .failures = f, .n_failures = 2
	};
	struct store_report r = { .tenant = STORE_TENANT_DEFAULT,
		.domain = STR("a.example"),
		.begin = 5,
		.policies = &p,
		.n_policies = 1 };
	struct store_view_filter days = {
		.tenant = STORE_TENANT_DEFAULT, .to = 1, .limit = 9
	};
	struct store_failure_filter filter = { .tenant = STORE_TENANT_DEFAULT,
		.result_type = STR("certificate-expired"),
		.limit = 9 };
	int64_t reporters, successful;
	struct store_failure *failures;
	struct store_spread *spread;
	struct store_view_row *rows;
	struct engine *t = *state;
	size_t n;

	for (size_t i = 0; i < 2; i++) {
		r.id = r.org = r.raw_sha256 = arena_fmt(t->a, "%zu", i);
		OK(store_report_add(t->s, &r, NULL, &t->e));
		p.n_failures = 1;
	}
	OK(store_view_spread(t->s, t->a, &days, &spread, &n, &reporters,
		&successful, &t->e));
	assert_int_equal(n, 2);
	assert_int_equal(reporters, 2);
	assert_int_equal(successful, 20);
	assert_int_equal(spread[0].reporters, 2);
	assert_int_equal(spread[0].sources, 1);
	assert_int_equal(spread[0].failed, 6);
	assert_int_equal(spread[1].reporters, 1);
	assert_int_equal(spread[1].sources, 0);
	/* Strangers made all of it up. */
	days.proven_only = true;
	OK(store_view_spread(t->s, t->a, &days, &spread, &n, &reporters,
		&successful, &t->e));
	assert_int_equal(n, 0);
	assert_int_equal(reporters, 0);
	assert_int_equal(successful, 0);
	days.proven_only = false;
	OK(store_failure_list(t->s, t->a, &filter, &failures, &n, &t->e));
	assert_int_equal(n, 2);
	assert_str(failures[0].report, "1");
	assert_str(failures[1].failure.sending_ip, "192.0.2.1");
	filter.reporter = STR("0");
	filter.result_type = STR("");
	OK(store_failure_list(t->s, t->a, &filter, &failures, &n, &t->e));
	assert_int_equal(n, 2);
	days.view = STORE_VIEW_RESULT;
	days.by_family = true;
	days.family = TLSRPT_FAMILY_STS;
	OK(store_view_list(t->s, t->a, &days, &rows, &n, &t->e));
	assert_int_equal(n, 1);
	assert_str(rows[0].keys[0], "sts-policy-invalid");
	/* Who reports about one domain may have no mail for another. */
	r.id = r.raw_sha256 = STR("2");
	r.domain = STR("b.example");
	OK(store_report_add(t->s, &r, NULL, &t->e));
	assert_int_equal(store_view_spread(t->s, t->a, &days, &spread, &n,
				 &reporters, &successful, &t->e),
		ST_NOTFOUND);
	days.domain = STR("a.example");
	OK(store_view_spread(t->s, t->a, &days, &spread, &n, &reporters,
		&successful, &t->e));
	assert_int_equal(successful, 20);
}

static void each_tenant_keeps_its_own_time(void **state)
{
	const struct store_report_keep usual = { .detail = 1000 };
	struct store_report_keep keep = { .raw = 5, .detail = 10 };
	struct store_report r = { .tenant = STORE_TENANT_DEFAULT,
		.id = STR("1"),
		.raw_name = STR("raw") };
	struct engine *t = *state;
	struct store_report got;
	int64_t raw, n;

	OK(store_report_add(t->s, &r, NULL, &t->e));
	OK(store_report_prune(t->s, 500, &usual, 9, &n, &t->e));
	assert_int_equal(n, 0);
	OK(store_report_raw_keep(t->s, STR("raw"), 99, &raw, &t->e));
	assert_int_equal(raw, 99);
	OK(store_report_keep_put(t->s, STORE_TENANT_DEFAULT, &keep, &t->e));
	OK(store_report_keep_get(t->s, STORE_TENANT_DEFAULT, &keep, &t->e));
	assert_int_equal(keep.detail, 10);
	OK(store_report_raw_keep(t->s, STR("raw"), 99, &raw, &t->e));
	assert_int_equal(raw, 5);
	OK(store_report_prune(t->s, 500, &usual, 9, &n, &t->e));
	assert_int_equal(n, 1);
	assert_int_equal(
		store_report_get(t->s, t->a, r.tenant, r.id, &got, &t->e),
		ST_NOTFOUND);
	assert_int_equal(
		store_report_raw_keep(t->s, STR("other"), 99, &raw, &t->e),
		ST_NOTFOUND);
	assert_int_equal(
		store_report_keep_put(t->s, STR("nobody"), &keep, &t->e),
		ST_NOTFOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_those_of_a_recount),
		cmocka_unit_test(sums_of_an_older_schema_stay),
		cmocka_unit_test(transactions_add_up_too),
		cmocka_unit_test(sums_outlive_details),
		cmocka_unit_test(policy_types_stay_apart),
		cmocka_unit_test(many_sources_are_one),
		cmocka_unit_test(a_name_is_not_a_proof),
		cmocka_unit_test(a_long_name_hides_no_proof),
		cmocka_unit_test(brackets_are_no_proof),
		cmocka_unit_test(a_word_is_no_proof),
		cmocka_unit_test(old_names_are_taken_back),
		cmocka_unit_test(no_line_counts_without_end),
		cmocka_unit_test(a_failed_commit_leaves_nothing_open),
		cmocka_unit_test(a_better_proof_takes_the_place),
		cmocka_unit_test(spread_and_single_failures),
		cmocka_unit_test(each_tenant_keeps_its_own_time),
	};

	return RUN_ON_ENGINES("rollup", tests);
}
