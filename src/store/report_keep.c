/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_keep: how long reports are kept, and erasing them. A counted report
 * whose time has come loses its policies and failures; the row stays for as
 * long as its day is added up, so that reading the report again does not count
 * it twice.
 */
#include "base/clock.h"
#include "base/vec.h"
#include "store/report_result.h"
#include "store/rollup_series.h"
#include "store/store.h"
#include "store/table.h"

#include "base/poison.h"

enum status store_report_keep_get(struct store *s, struct str tenant,
	struct store_report_keep *out, struct err *e)
{
	int64_t v[3];
	enum status st = store_ints(s,
		"SELECT keep_raw, keep_detail, keep_totals FROM tenant "
		"WHERE id = $1",
		ARGS(DB_T(tenant)), v, 3, e);

	if (st == ST_OK)
		*out = (struct store_report_keep){ v[0], v[1], v[2] };
	return st;
}

enum status store_report_keep_put(struct store *s, struct str tenant,
	const struct store_report_keep *keep, struct err *e)
{
	int64_t changed = 0;
	enum status st = store_run(s,
		"UPDATE tenant SET keep_raw = $1, keep_detail = $2, "
		"keep_totals = $3 WHERE id = $4",
		ARGS(DB_I(keep->raw), DB_I(keep->detail), DB_I(keep->totals),
			DB_T(tenant)),
		&changed, e);

	if (st == ST_OK && changed == 0)
		st = err_set(e, ST_NOTFOUND, "no such tenant");
	return st;
}

enum status store_report_raw_keep(struct store *s, struct str raw_name,
	int64_t usual, int64_t *out, struct err *e)
{
	int64_t v[2];
	enum status st = store_ints(s,
		"SELECT COUNT(*), COALESCE(MAX(CASE WHEN t.keep_raw > 0 THEN "
		"t.keep_raw ELSE $1 END), 0) FROM report r "
		"JOIN tenant t ON t.id = r.tenant WHERE r.raw_name = $2",
		ARGS(DB_I(usual), DB_T(raw_name)), v, 2, e);

	if (st == ST_OK && v[0] == 0)
		st = err_set(e, ST_NOTFOUND, "no report comes from it");
	if (st == ST_OK)
		*out = v[1];
	return st;
}

/* ---- by age ------------------------------------------------------------- */

struct tenant_keep {
	struct str tenant;
	struct store_report_keep keep;
};

static const struct column keep_columns[] = {
	COLUMN("id", COL_TEXT, offsetof(struct tenant_keep, tenant)),
	COLUMN("keep_raw", COL_INT, offsetof(struct tenant_keep, keep.raw)),
	COLUMN("keep_detail", COL_INT,
		offsetof(struct tenant_keep, keep.detail)),
	COLUMN("keep_totals", COL_INT,
		offsetof(struct tenant_keep, keep.totals)),
};
static const struct table tenant_keep = TABLE(
	"tenant", struct tenant_keep, keep_columns, 1);

struct head {
	struct str tenant, id;
	int64_t counted;
};

static const struct column head_columns[] = {
	COLUMN("tenant", COL_TEXT, offsetof(struct head, tenant)),
	COLUMN("id", COL_TEXT, offsetof(struct head, id)),
	COLUMN("counted", COL_INT, offsetof(struct head, counted)),
};
static const struct table head = TABLE("report", struct head, head_columns, 2);

/* Counts what came before there was anything to add it up in. */
static enum status count_old(
	struct store *s, struct arena *a, struct head *h, struct err *e)
{
	struct store_report r;
	enum status st = store_report_get(s, a, h->tenant, h->id, &r, e);

	if (st == ST_OK)
		st = rollup_report(s, &r, 1, e);
	if (st != ST_OK)
		return st;
	return store_run(s,
		"UPDATE report SET counted = $1 WHERE tenant = $2 AND id = $3",
		ARGS(DB_I(STORE_REPORT_COUNTED), DB_T(h->tenant), DB_T(h->id)),
		NULL, e);
}

static enum status count_all_old(
	struct store *s, size_t limit, int64_t *rows, struct err *e)
{
	struct arena *a = arena_must(0);
	struct head *heads;
	enum status st;
	size_t n;

	st = table_list(s, a, &head,
		"WHERE counted = 0 AND state = 0 ORDER BY tenant, id LIMIT $1",
		ARGS(DB_I((int64_t)limit)), &heads, &n, e);
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = count_old(s, a, &heads[i], e);
	if (st == ST_OK)
		*rows += (int64_t)n;
	arena_free(&a);
	return st;
}

static enum status settle_one(
	struct store *s, const struct head *h, struct err *e)
{
	enum status st;

	if (h->counted != STORE_REPORT_COUNTED)
		return store_run(s,
			"DELETE FROM report WHERE tenant = $1 AND id = $2",
			ARGS(DB_T(h->tenant), DB_T(h->id)), NULL, e);
	st = report_result_drop(s, h->tenant, h->id, e);
	if (st != ST_OK)
		return st;
	return store_run(s,
		"UPDATE report SET counted = $1, body = '', ok = 0, failed = 0 "
		"WHERE tenant = $2 AND id = $3",
		ARGS(DB_I(STORE_REPORT_SETTLED), DB_T(h->tenant), DB_T(h->id)),
		NULL, e);
}

static enum status settle(struct store *s, struct str tenant, int64_t before,
	size_t limit, int64_t *rows, struct err *e)
{
	struct arena *a = arena_must(0);
	struct head *heads;
	enum status st;
	size_t n;

	st = table_list(s, a, &head,
		"WHERE tenant = $1 AND counted < 2 AND received < $2 "
		"ORDER BY received LIMIT $3",
		ARGS(DB_T(tenant), DB_I(before), DB_I((int64_t)limit)), &heads,
		&n, e);
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = settle_one(s, &heads[i], e);
	if (st == ST_OK)
		*rows += (int64_t)n;
	arena_free(&a);
	return st;
}

static enum status drop_totals(
	struct store *s, struct str tenant, int64_t before, struct err *e)
{
	int64_t day = before / UTC_DAY_S;
	enum status st = rollup_write(s, e);
	int64_t gone = 0;

	if (st == ST_OK)
		st = store_run(s,
			"DELETE FROM rollup WHERE tenant = $1 AND series IN "
			"(SELECT id FROM series WHERE tenant = $1) "
			"AND day < $2",
			ARGS(DB_T(tenant), DB_I(day)), &gone, e);
	if (st == ST_OK && gone > 0)
		st = rollup_series_drop_unused(s, tenant, e);
	if (st != ST_OK)
		return st;
	return store_run(s,
		"DELETE FROM report WHERE tenant = $1 AND counted = 2 "
		"AND begins < $2",
		ARGS(DB_T(tenant), DB_I(day * UTC_DAY_S)), NULL, e);
}

static enum status prune_tenant(struct store *s, const struct tenant_keep *t,
	int64_t now, const struct store_report_keep *usual, size_t limit,
	int64_t *rows, struct err *e)
{
	int64_t detail = t->keep.detail > 0 ? t->keep.detail : usual->detail;
	int64_t totals = t->keep.totals > 0 ? t->keep.totals : usual->totals;
	enum status st = ST_OK;

	if (detail > 0 && *rows < (int64_t)limit)
		st = settle(s, t->tenant, now - detail, limit - (size_t)*rows,
			rows, e);
	if (st == ST_OK && totals > 0)
		st = drop_totals(s, t->tenant, now - totals, e);
	return st;
}

enum status store_report_prune(struct store *s, int64_t now,
	const struct store_report_keep *usual, size_t limit, int64_t *n,
	struct err *e)
{
	struct arena *a = arena_must(0);
	int64_t counted = 0, settled = 0;
	struct tenant_keep *tenants;
	enum status st;
	size_t n_tenants;
	bool own;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		goto out;
	st = count_all_old(s, limit, &counted, e);
	if (st == ST_OK)
		st = table_list(s, a, &tenant_keep, "ORDER BY id", NO_ARGS,
			&tenants, &n_tenants, e);
	for (size_t i = 0; st == ST_OK && i < n_tenants; i++)
		st = prune_tenant(
			s, &tenants[i], now, usual, limit, &settled, e);
	st = store_leave(s, own, st, e);
	if (st == ST_OK && n != NULL)
		*n = counted > settled ? counted : settled;
out:
	arena_free(&a);
	return st;
}

/* ---- on request --------------------------------------------------------- */

struct raw_row {
	struct str name;
};

static const struct column raw_columns[] = {
	COLUMN("DISTINCT raw_name", COL_TEXT, offsetof(struct raw_row, name)),
};
static const struct table raw_table = TABLE(
	"report", struct raw_row, raw_columns, 1);

#define ERASED                                                                 \
	"WHERE tenant = $1 AND ($2 = '' OR domain = $2) AND begins >= $3 "     \
	"AND begins < $4"

/* Of the files, those that no report is left of. */
static enum status orphans(struct store *s, struct arena *a,
	const struct raw_row *rows, size_t n, struct store_strs *out,
	struct err *e)
{
	struct {
		struct str *items;
		size_t n, cap;
	} v = {};
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < n; i++) {
		bool there = true;

		if (rows[i].name.n > 0)
			st = store_report_has_raw(s, rows[i].name, &there, e);
		if (st == ST_OK && !there && !VEC_PUSH(a, &v, rows[i].name))
			st = err_set(e, ST_LIMIT, "too many reports at once");
	}
	if (st == ST_OK)
		*out = (struct store_strs){ v.items, v.n };
	return st;
}

static int64_t day_start(int64_t day)
{
	int64_t last = INT64_MAX / UTC_DAY_S;

	return day > last    ? INT64_MAX
	       : day < -last ? INT64_MIN
			     : day * UTC_DAY_S;
}

enum status store_report_erase(struct store *s, struct arena *a,
	struct str tenant, struct str domain, int64_t from, int64_t to,
	struct store_strs *raw, int64_t *n, struct err *e)
{
	const struct db_arg args[] = { DB_T(tenant), DB_T(domain),
		DB_I(day_start(from)), DB_I(day_start(to)) };
	struct raw_row *rows;
	int64_t gone = 0;
	enum status st;
	size_t n_rows;
	bool own;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		return st;
	st = table_list(s, a, &raw_table, ERASED, args, 4, &rows, &n_rows, e);
	if (st == ST_OK)
		st = rollup_erase(s, tenant, domain, from, to, e);
	if (st == ST_OK)
		st = store_run(
			s, "DELETE FROM report " ERASED, args, 4, &gone, e);
	if (st == ST_OK)
		st = orphans(s, a, rows, n_rows, raw, e);
	st = store_leave(s, own, st, e);
	if (st == ST_OK && n != NULL)
		*n = gone;
	return st;
}
