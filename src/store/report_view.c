/* SPDX-License-Identifier: Apache-2.0 */
/* report_view: each view is the days of some series, added up and grouped. */
#include "store/report_view.h"
#include "base/bug.h"
#include "store/rollup.h"
#include "store/table.h"

#include "base/poison.h"

#define ROW(member) offsetof(struct store_view_row, member)

/* clang-format off */
#define VIEW_COLUMNS(key_0, key_1, key_2, ok_sum)                              \
	{                                                                      \
		COLUMN("s.policy_type", COL_TEXT, ROW(policy_type)),           \
		COLUMN("s.unproven", COL_BOOL, ROW(unproven)),                 \
		COLUMN(key_0, COL_TEXT, ROW(keys[0])),                         \
		COLUMN(key_1, COL_TEXT, ROW(keys[1])),                         \
		COLUMN(key_2, COL_TEXT, ROW(keys[2])),                         \
		COLUMN("MIN(r.first_day)", COL_INT, ROW(first_day)),           \
		COLUMN("MAX(r.last_day)", COL_INT, ROW(last_day)),             \
		COLUMN("CAST(SUM(r.n) AS BIGINT)", COL_INT, ROW(counts)),      \
		COLUMN(ok_sum, COL_INT, ROW(ok)),                              \
		COLUMN("CAST(SUM(r.failed) AS BIGINT)", COL_INT, ROW(failed)), \
	}
/* clang-format on */

#define OK_SUM "CAST(SUM(r.ok) AS BIGINT)"
#define NO_OK "CAST(0 AS BIGINT)" /* failures have none */

static const struct column day_columns[] = VIEW_COLUMNS(
	"''", "''", "''", OK_SUM);
static const struct column result_columns[] = VIEW_COLUMNS(
	"s.k1", "s.k3", "''", NO_OK);
static const struct column mx_columns[] = VIEW_COLUMNS(
	"s.k2", "s.k1", "''", NO_OK);
static const struct column reporter_columns[] = VIEW_COLUMNS(
	"s.k1", "''", "''", OK_SUM);
static const struct column policy_columns[] = VIEW_COLUMNS(
	"s.k2", "s.k1", "''", OK_SUM);

/*
 * The days of each series, which lie together, are added up before anything
 * looks at what the series is about: a year has many days and few series.
 */
#define SUMS(what, group)                                                      \
	"(SELECT series, " what "SUM(n) AS n, SUM(failed) AS failed FROM "     \
	"rollup WHERE tenant = $1 AND day >= $2 AND day < $3 AND series IN "   \
	"(SELECT id FROM series WHERE tenant = $1 AND domain = $4 AND "        \
	"kind = $5 AND unproven <= $6) GROUP BY series" group                  \
	") AS r JOIN series s ON s.tenant = $1 AND s.id = r.series"
#define DAYS "MIN(day) AS first_day, MAX(day) AS last_day, "
#define DAY "day AS first_day, day AS last_day, "
#define FAILURES_OF_ALL_DAYS SUMS(DAYS, "")
#define ALL_DAYS SUMS(DAYS "SUM(ok) AS ok, ", "")
#define EACH_DAY SUMS(DAY "SUM(ok) AS ok, ", ", day")
#define VIEW_TABLE(sums, columns) TABLE(sums, struct store_view_row, columns, 1)

#define OF_FAMILY "WHERE ($7 < 0 OR s.family = $7) "
#define K1_IS OF_FAMILY "AND ($8 = '' OR s.k1 = $8) "
#define K3_IS OF_FAMILY "AND ($8 = '' OR s.k3 = $8) "
#define GROUP "GROUP BY s.policy_type, s.unproven, "
#define WORST "ORDER BY 10 DESC, 9 DESC, "

/*
 * Each source is a series, of which there may be many: only one sum is made of
 * all of them, to find the worst, and the others of those that are shown.
 */
#define OF_SERIES                                                              \
	"FROM rollup r WHERE r.tenant = $1 AND r.series = s.id AND "           \
	"r.day >= $2 AND r.day < $3"
#define WORST_SOURCES "ORDER BY failed DESC, k1, k2, k3, policy_type, unproven "
#define SOURCES                                                                \
	"(SELECT s.*, COALESCE((SELECT CAST(SUM(r.failed) AS "                 \
	"BIGINT) " OF_SERIES                                                   \
	"), -1) AS failed FROM series s WHERE s.tenant = $1 AND "              \
	"s.domain = $4 AND s.kind = $5 AND s.unproven <= $6 AND "              \
	"($7 < 0 OR s.family = $7) AND ($8 = '' OR s.k3 = $8) " WORST_SOURCES  \
	"LIMIT $9) AS s"

static const struct column source_columns[] = {
	COLUMN("policy_type", COL_TEXT, ROW(policy_type)),
	COLUMN("unproven", COL_BOOL, ROW(unproven)),
	COLUMN("k1", COL_TEXT, ROW(keys[0])),
	COLUMN("k2", COL_TEXT, ROW(keys[1])),
	COLUMN("k3", COL_TEXT, ROW(keys[2])),
	COLUMN("(SELECT MIN(r.day) " OF_SERIES ")", COL_INT, ROW(first_day)),
	COLUMN("(SELECT MAX(r.day) " OF_SERIES ")", COL_INT, ROW(last_day)),
	COLUMN("(SELECT CAST(SUM(r.n) AS BIGINT) " OF_SERIES ")", COL_INT,
		ROW(counts)),
	COLUMN("failed", COL_INT, ROW(failed)),
};

static const struct {
	const char *name;
	const char *keys[STORE_VIEW_KEYS];
	enum rollup_kind kind;
	struct table table;
	const char *tail;
} views[STORE_VIEWS] = {
	[STORE_VIEW_DAY] = { "day", {}, ROLLUP_DAY,
		VIEW_TABLE(EACH_DAY, day_columns),
		K1_IS GROUP
		"r.first_day ORDER BY r.first_day DESC, s.policy_type, "
		"s.unproven LIMIT $9" },
	[STORE_VIEW_RESULT] = { "result", { "result_type", "reason" },
		ROLLUP_RESULT, VIEW_TABLE(FAILURES_OF_ALL_DAYS, result_columns),
		K1_IS GROUP "s.k1, s.k3 " WORST
			    "s.k1, s.k3, s.policy_type, s.unproven LIMIT $9" },
	[STORE_VIEW_MX] = { "mx", { "mx_host", "result_type" }, ROLLUP_RESULT,
		VIEW_TABLE(FAILURES_OF_ALL_DAYS, mx_columns),
		K1_IS GROUP "s.k2, s.k1 " WORST
			    "s.k2, s.k1, s.policy_type, s.unproven LIMIT $9" },
	[STORE_VIEW_SOURCE] = { "source",
		{ "organization", "sending_mta", "result_type" }, ROLLUP_SOURCE,
		VIEW_TABLE(SOURCES, source_columns),
		"WHERE failed >= 0 " WORST_SOURCES },
	[STORE_VIEW_REPORTER] = { "reporter", { "organization" }, ROLLUP_POLICY,
		VIEW_TABLE(ALL_DAYS, reporter_columns),
		K3_IS GROUP "s.k1 " WORST
			    "s.k1, s.policy_type, s.unproven LIMIT $9" },
	[STORE_VIEW_POLICY] = { "policy", { "policy", "organization" },
		ROLLUP_POLICY, VIEW_TABLE(ALL_DAYS, policy_columns),
		K3_IS GROUP "s.k2, s.k1 " WORST
			    "s.k2, s.k1, s.policy_type, s.unproven LIMIT $9" },
};

const char *store_view_name(enum store_view view)
{
	return views[view].name;
}

enum status store_view_parse(struct str s, enum store_view *out)
{
	for (int i = 0; i < STORE_VIEWS; i++)
		if (str_eq(s, str_of(views[i].name))) {
			*out = (enum store_view)i;
			return ST_OK;
		}
	return ST_INVALID;
}

const char *store_view_key(enum store_view view, size_t i)
{
	return i < STORE_VIEW_KEYS ? views[view].keys[i] : NULL;
}

bool store_view_has_results(enum store_view view)
{
	return view != STORE_VIEW_REPORTER && view != STORE_VIEW_POLICY;
}

enum status store_view_list(struct store *s, struct arena *a,
	const struct store_view_filter *f, struct store_view_row **out,
	size_t *n, struct err *e)
{
	bool of_results = f->by_family || f->result.n > 0;
	enum rollup_kind kind = views[f->view].kind;
	enum status st = rollup_write(s, e);

	if (st != ST_OK)
		return st;
	BUG(of_results && !store_view_has_results(f->view));
	if (kind == ROLLUP_DAY && of_results)
		kind = ROLLUP_RESULT;
	return table_list(s, a, &views[f->view].table, views[f->view].tail,
		ARGS(DB_T(f->tenant), DB_I(f->from), DB_I(f->to),
			DB_T(f->domain), DB_I((int64_t)kind),
			DB_I(!f->proven_only),
			DB_I(f->by_family ? (int64_t)f->family : -1),
			DB_T(f->result), DB_I((int64_t)f->limit)),
		out, n, e);
}

#define SPREAD(member) offsetof(struct store_spread, member)

static const struct column spread_columns[] = {
	COLUMN("s.k3", COL_TEXT, SPREAD(result_type)),
	COLUMN("COUNT(DISTINCT s.k1)", COL_INT, SPREAD(reporters)),
	COLUMN("COUNT(DISTINCT NULLIF(s.k2, ''))", COL_INT, SPREAD(sources)),
	COLUMN("CAST(SUM(r.failed) AS BIGINT)", COL_INT, SPREAD(failed)),
};
static const struct table spread = TABLE(
	FAILURES_OF_ALL_DAYS, struct store_spread, spread_columns, 1);

/* Are the tenant's reports about more than one domain? */
static enum status is_mixed(
	struct store *s, struct str tenant, bool *out, struct err *e)
{
	int64_t n[1] = {};
	enum status st = store_ints(s,
		"SELECT COUNT(*) FROM (SELECT 1 FROM series WHERE tenant = $1 "
		"AND domain > (SELECT MIN(domain) FROM series "
		"WHERE tenant = $1 AND domain > '') LIMIT 1) AS another",
		ARGS(DB_T(tenant)), n, 1, e);

	*out = n[0] > 0;
	return st;
}

enum status store_view_spread(struct store *s, struct arena *a,
	const struct store_view_filter *f, struct store_spread **out, size_t *n,
	int64_t *reporters, int64_t *successful, struct err *e)
{
	struct db_arg args[] = { DB_T(f->tenant), DB_I(f->from), DB_I(f->to),
		DB_T(f->domain), DB_I(ROLLUP_POLICY), DB_I(!f->proven_only) };
	struct db_arg *kind = &args[4];
	int64_t all[1] = {}, ok[1] = {};
	enum status st = rollup_write(s, e);
	bool mixed = false;

	if (st == ST_OK && f->domain.n == 0)
		st = is_mixed(s, f->tenant, &mixed, e);
	if (st == ST_OK && mixed)
		return err_set(e, ST_NOTFOUND, "several domains");
	if (st == ST_OK)
		st = store_ints(s, "SELECT COUNT(DISTINCT s.k1) FROM " ALL_DAYS,
			args, 6, all, 1, e);
	*kind = DB_I(ROLLUP_DAY);
	if (st == ST_OK)
		st = store_ints(s,
			"SELECT COALESCE(MAX(part), 0) FROM (SELECT "
			"CAST(SUM(r.ok) AS BIGINT) AS part FROM " ALL_DAYS " "
			"GROUP BY s.policy_type) AS parts",
			args, 6, ok, 1, e);
	*kind = DB_I(ROLLUP_SOURCE);
	if (st == ST_OK)
		st = table_list(s, a, &spread, "GROUP BY s.k3 ORDER BY s.k3",
			args, 6, out, n, e);
	if (st == ST_OK) {
		*reporters = all[0];
		*successful = ok[0];
	}
	return st;
}
