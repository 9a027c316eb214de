/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_facts: what reports say now. Of each reporter only its last reports
 * count, those that begin no earlier than any other of it: that is how things
 * are, the rest is how they were. A reporter is who the proof says it is, not
 * what the report calls itself, so that nobody speaks for another.
 */
#include "proto/tlsrpt_meaning.h"
#include "store/alert.h"
#include "store/alert_own.h"
#include "store/table.h"

#include "base/poison.h"

struct failure_row {
	struct str reporter, result_type;
	int64_t sessions;
};

/* Came since $3 and tells of days since then: an archive that is imported says
 * how things were. Some reports have no dates. */
#define NEW "received >= $3 AND (ends = 0 OR ends >= $3) AND counted < 2 "

/* The last reports of each reporter: $1 tenant, $2 domain, $3 since. */
#define LAST                                                                   \
	"WITH seen AS (SELECT id, begins, ok, failed, received, " REPORTER     \
	" AS k FROM report WHERE tenant = $1 AND domain = $2 AND " NEW         \
	"AND state = 0 AND proof <> ''), "                                     \
	"top AS (SELECT k, MAX(begins) AS begins, MAX(received) AS received, " \
	"COUNT(DISTINCT begins / 86400) AS days FROM seen GROUP BY k), "       \
	"latest AS (SELECT seen.id, seen.ok, seen.failed, top.k, top.begins, " \
	"top.received, top.days "                                              \
	"FROM seen JOIN top ON top.k = seen.k AND top.begins = seen.begins) "

static const char reporters_sql[] = LAST
	"SELECT k, received, begins, days, SUM(ok + failed), SUM(failed) "
	"FROM latest GROUP BY k, received, begins, days ORDER BY k";

static const char failures_sql[] = LAST
	"SELECT l.k, f.result_type, SUM(f.failed) FROM latest l "
	"JOIN report_result f ON f.tenant = $1 AND f.report = l.id "
	"GROUP BY l.k, f.result_type ORDER BY l.k, f.result_type";

static const char unproven_sql[] =
	"SELECT '', f.result_type, SUM(f.failed) FROM report r "
	"CROSS JOIN report_result f "
	"WHERE f.tenant = r.tenant AND f.report = r.id AND r.tenant = $1 AND "
	"r.domain = $2 AND " NEW "AND r.state = 0 AND r.proof = '' "
	"GROUP BY f.result_type ORDER BY f.result_type";

struct str store_reporter_of(struct str who)
{
	struct str name = who;

	(void)str_cut(&name, ':');
	return name.p != NULL ? name : who;
}

static bool copy(struct store *s, struct arena *a, struct db_stmt *q, size_t i,
	struct str *out)
{
	*out = arena_str(a, store_col_bytes(s, q, i));
	return out->p != NULL;
}

typedef bool row_fn(
	struct store *s, struct arena *a, struct db_stmt *q, void *ctx);

/* Calls row for every row; false from it means that the arena is full. */
static enum status each(struct store *s, struct arena *a, const char *sql,
	const struct db_arg *args, size_t n_args, row_fn *row, void *ctx,
	struct err *e)
{
	struct db_stmt *q = NULL;
	bool more = true;
	enum status st = store_query(s, sql, args, n_args, &q, e);

	if (st != ST_OK)
		return st;
	while ((st = store_step(s, q, &more, e)) == ST_OK && more)
		if (!row(s, a, q, ctx)) {
			st = err_set(e, ST_LIMIT, "too many rows");
			break;
		}
	store_done(s, q);
	return st;
}

struct reporters {
	struct store_alert_reporter *items;
	size_t n, cap;
};

static bool add_reporter(
	struct store *s, struct arena *a, struct db_stmt *q, void *ctx)
{
	struct reporters *list = ctx;
	struct store_alert_reporter r = {
		.received = store_col_int(s, q, 1),
		.begins = store_col_int(s, q, 2),
		.days = store_col_int(s, q, 3),
		.sessions = store_col_int(s, q, 4),
		.failed = store_col_int(s, q, 5),
	};

	if (!copy(s, a, q, 0, &r.name))
		return false;
	r.name = store_reporter_of(r.name);
	return VEC_PUSH(a, list, r);
}

struct failures {
	struct store_alert_failure *items;
	size_t n, cap;
};

/*
 * Rows of a reporter come one after the other; what it reports of types that
 * nobody knows is one failure, named after the first.
 */
static struct store_alert_failure *same_other(
	const struct failures *list, const struct store_alert_failure *f)
{
	if (tlsrpt_result_of(f->result_type) != TLSRPT_RESULT_OTHER)
		return NULL;
	for (size_t i = list->n; i-- > 0;) {
		struct store_alert_failure *old = &list->items[i];

		if (!str_eq(old->reporter, f->reporter))
			break;
		if (tlsrpt_result_of(old->result_type) == TLSRPT_RESULT_OTHER)
			return old;
	}
	return NULL;
}

static bool add_failure(
	struct store *s, struct arena *a, struct db_stmt *q, void *ctx)
{
	struct failures *list = ctx;
	struct store_alert_failure *other;
	struct store_alert_failure f = {
		.reporter = store_reporter_of(store_col_bytes(s, q, 0)),
		.result_type = store_col_bytes(s, q, 1),
		.sessions = store_col_int(s, q, 2),
	};

	other = same_other(list, &f);
	if (other != NULL) {
		other->sessions += f.sessions;
		return true;
	}
	f.reporter = arena_str(a, f.reporter);
	f.result_type = arena_str(a, f.result_type);
	return f.reporter.p != NULL && f.result_type.p != NULL &&
	       VEC_PUSH(a, list, f);
}

enum status store_alert_facts_get(struct store *s, struct arena *a,
	struct str tenant, struct str domain, int64_t since,
	struct store_alert_facts *out, struct err *e)
{
	const struct db_arg args[] = { DB_T(tenant), DB_T(domain),
		DB_I(since) };
	struct failures failures = {}, unproven = {};
	struct reporters reporters = {};
	enum status st = each(
		s, a, reporters_sql, args, 3, add_reporter, &reporters, e);

	if (st == ST_OK)
		st = each(
			s, a, failures_sql, args, 3, add_failure, &failures, e);
	if (st == ST_OK)
		st = each(
			s, a, unproven_sql, args, 3, add_failure, &unproven, e);
	if (st == ST_OK)
		*out = (struct store_alert_facts){ reporters.items, reporters.n,
			failures.items, failures.n, unproven.items,
			unproven.n };
	return st;
}

struct domains {
	struct store_alert_domain *items;
	size_t n, cap;
};

static bool add_domain(
	struct store *s, struct arena *a, struct db_stmt *q, void *ctx)
{
	struct domains *list = ctx;
	struct store_alert_domain d;

	return copy(s, a, q, 0, &d.tenant) && copy(s, a, q, 1, &d.domain) &&
	       VEC_PUSH(a, list, d);
}

enum status store_alert_domains(struct store *s, struct arena *a,
	struct str after, int64_t since, bool with_alerts,
	struct store_alert_domain **out, size_t *n, struct err *e)
{
	struct domains list = {};
	enum status st = each(s, a,
		"SELECT r.tenant, r.domain FROM tenant t CROSS JOIN report r "
		"WHERE r.tenant = t.id AND r.id > $1 AND r.received >= $2 AND "
		"r.domain <> '' UNION "
		"SELECT tenant, domain FROM alert WHERE state < 2 "
		"AND domain <> '' AND $3 = 1",
		ARGS(DB_T(after), DB_I(since), DB_I(with_alerts ? 1 : 0)),
		add_domain, &list, e);

	if (st == ST_OK) {
		*out = list.items;
		*n = list.n;
	}
	return st;
}

static bool take_id(
	struct store *s, struct arena *a, struct db_stmt *q, void *ctx)
{
	return copy(s, a, q, 0, ctx);
}

enum status store_alert_newest(
	struct store *s, struct arena *a, struct str *id, struct err *e)
{
	return each(s, a,
		"SELECT COALESCE(MAX((SELECT MAX(id) FROM report "
		"WHERE tenant = t.id)), '') FROM tenant t",
		NO_ARGS, take_id, id, e);
}

enum status store_alert_unread(
	struct store *s, int64_t since, int64_t *n, struct err *e)
{
	return store_ints(s,
		"SELECT COUNT(*) FROM bad_report WHERE received >= $1",
		ARGS(DB_I(since)), n, 1, e);
}
