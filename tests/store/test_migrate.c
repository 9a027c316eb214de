/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An older schema is brought up to date: schema_9.sql holds reports of all
 * kinds, as a moat with schema 9 has written them.
 */
#include "engines.h"

#include "base/base64.h"
#include "base/wire.h"
#include "store/report_view.h"

#include "base/poison.h"

#define LINE_MAX_BYTES 65536
#define TEXT_MAX ((size_t)1 << 20)

/* What a query says, in the words of the sqlite3 program. */
static struct str ask(struct engine *t, const char *sql)
{
	struct sbuf b = sbuf_arena(t->a, TEXT_MAX);
	FILE *f = popen(
		arena_fmt(t->a, "sqlite3 %s \"%s\"", t->target, sql).p, "r");
	static char line[LINE_MAX_BYTES];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		sbuf_addz(&b, line);
	assert_int_equal(pclose(f), 0);
	assert_true(sbuf_ok(&b));
	return sbuf_str(&b);
}

/* Makes the database anew, with what the fixture has. */
static void load(struct engine *t)
{
	store_close(&t->s);
	assert_int_equal(
		system(arena_fmt(t->a, "rm -f %s*; sqlite3 %s < " SCHEMA_9,
			t->target, t->target)
				.p),
		0);
}

static void add_hex(struct sbuf *b, struct arena *a, struct store_strs list)
{
	size_t size = 0;
	struct wire_out out;

	for (size_t i = 0; i < list.n; i++)
		size += 4 + list.items[i].n;
	out = wire_out_of(arena_alloc(a, size), size);
	for (size_t i = 0; i < list.n; i++)
		wire_put_str(&out, list.items[i]);
	sbuf_addc(b, '|');
	hex_write(b, wire_out_str(&out));
}

static void add_failures(struct sbuf *b, const struct store_report *r,
	size_t no, const struct store_report_policy *p)
{
	for (size_t i = 0; i < p->n_failures; i++) {
		const struct store_report_failure *f = &p->failures[i];

		sbuf_fmt(b,
			"%.*s|%d|%.*s|%zu|%zu|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|"
			"%.*s|%lld\n",
			STR_ARG(r->tenant), (int)r->state, STR_ARG(r->id), no,
			i, STR_ARG(f->result_type), STR_ARG(f->sending_ip),
			STR_ARG(f->receiving_host), STR_ARG(f->receiving_helo),
			STR_ARG(f->receiving_ip), STR_ARG(f->reason_code),
			STR_ARG(f->info_uri), (long long)f->sessions);
	}
}

static void add_report(struct engine *t, struct sbuf *policies,
	struct sbuf *failures, const struct store_report *r)
{
	for (size_t i = 0; i < r->n_policies; i++) {
		const struct store_report_policy *p = &r->policies[i];

		sbuf_fmt(policies, "%.*s|%d|%.*s|%zu|%.*s|%.*s",
			STR_ARG(r->tenant), (int)r->state, STR_ARG(r->id), i,
			STR_ARG(p->type), STR_ARG(p->domain));
		add_hex(policies, t->a, p->strings);
		add_hex(policies, t->a, p->mx);
		sbuf_fmt(policies, "|%lld|%lld\n", (long long)p->ok,
			(long long)p->failed);
		add_failures(failures, r, i, p);
	}
}

/* All that store_report_list has. */
static void list_all(
	struct engine *t, struct sbuf *policies, struct sbuf *failures)
{
	static const struct str tenants[] = { STORE_TENANT_DEFAULT,
		STORE_TENANT_SYSTEM };

	for (size_t i = 0; i < 2; i++)
		for (int state = 0; state < STORE_REPORT_STATES; state++) {
			struct store_report_filter f = { .tenant = tenants[i],
				.limit = 1000,
				.state = (enum store_report_state)state };
			struct store_report *rows;
			size_t n;

			OK(store_report_list(
				t->s, t->a, &f, true, &rows, &n, &t->e));
			for (size_t k = 0; k < n; k++)
				add_report(t, policies, failures, &rows[k]);
		}
}

#define OF_REPORTS                                                             \
	"NATURAL JOIN (SELECT tenant, id AS report, state FROM report) "       \
	"ORDER BY tenant, state, report DESC, policy_no"

static void policies_and_failures_stay(void **state)
{
	struct engine *t = *state;
	struct sbuf policies = sbuf_arena(t->a, TEXT_MAX);
	struct sbuf failures = sbuf_arena(t->a, TEXT_MAX);
	struct str had[2];

	load(t);
	had[0] = ask(t,
		"SELECT tenant, state, report, policy_no, type, domain, "
		"lower(hex(strings)), lower(hex(mx)), ok, failed "
		"FROM report_policy " OF_REPORTS);
	had[1] = ask(t,
		"SELECT tenant, state, report, policy_no, failure_no, "
		"result_type, sending_ip, receiving_host, receiving_helo, "
		"receiving_ip, reason_code, info_uri, sessions "
		"FROM report_failure " OF_REPORTS ", failure_no");
	OK(store_open(t->target, &t->s, &t->e));
	list_all(t, &policies, &failures);
	assert_true(had[0].n > 1000 && had[1].n > 1000);
	assert_true(str_eq(sbuf_str(&policies), had[0]));
	assert_true(str_eq(sbuf_str(&failures), had[1]));
}

/* What queries need of policies and failures is what queries found in them. */
static void what_queries_need_is_made(void **state)
{
	static const char results[] =
		"SELECT tenant, report, result_type, MAX(n) FROM "
		"(SELECT tenant, report, policy_no, result_type, "
		"SUM(MIN(sessions, 10000000000)) AS n FROM report_failure "
		"GROUP BY 1, 2, 3, 4) AS p WHERE (tenant, report) IN "
		"(SELECT tenant, id FROM report WHERE state = 0) "
		"GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
	static const char sums[] =
		"SELECT tenant, report, MAX(MIN(ok, 10000000000)), "
		"MAX(MIN(failed, 10000000000)) FROM report_policy "
		"GROUP BY 1, 2 ORDER BY 1, 2";
	struct engine *t = *state;
	struct str had[2];

	load(t);
	had[0] = ask(t, results);
	had[1] = ask(t, sums);
	OK(store_open(t->target, &t->s, &t->e));
	assert_true(had[0].n > 100 && had[1].n > 100);
	assert_true(str_eq(
		had[0], ask(t, "SELECT tenant, report, result_type, failed "
			       "FROM report_result ORDER BY 1, 2, 3")));
	assert_true(str_eq(
		had[1], ask(t, "SELECT tenant, id, ok, failed FROM report "
			       "WHERE length(body) > 5 ORDER BY 1, 2")));
}

static void failures_are_listed(void **state)
{
	struct store_failure_filter f = { .tenant = STORE_TENANT_DEFAULT,
		.limit = 1000 };
	struct store_failure *rows;
	struct engine *t = *state;
	struct sbuf b;
	struct str had;
	size_t n;

	load(t);
	had = ask(t,
		"SELECT report, org, type, result_type, sending_ip, sessions "
		"FROM report_failure NATURAL JOIN "
		"(SELECT tenant, report, policy_no, type FROM report_policy) "
		"NATURAL JOIN (SELECT tenant, id AS report, org FROM report "
		"WHERE counted = 1 AND tenant = 'default') "
		"ORDER BY report DESC, policy_no, failure_no");
	OK(store_open(t->target, &t->s, &t->e));
	OK(store_failure_list(t->s, t->a, &f, &rows, &n, &t->e));
	b = sbuf_arena(t->a, TEXT_MAX);
	for (size_t i = 0; i < n; i++)
		sbuf_fmt(&b, "%.*s|%.*s|%.*s|%.*s|%.*s|%lld\n",
			STR_ARG(rows[i].report), STR_ARG(rows[i].reporter),
			STR_ARG(rows[i].policy_type),
			STR_ARG(rows[i].failure.result_type),
			STR_ARG(rows[i].failure.sending_ip),
			(long long)rows[i].failure.sessions);
	assert_true(had.n > 1000);
	assert_true(str_eq(sbuf_str(&b), had));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_and_failures_stay),
		cmocka_unit_test(what_queries_need_is_made),
		cmocka_unit_test(failures_are_listed),
	};

	return RUN_ON_ENGINES("migrate", tests);
}
