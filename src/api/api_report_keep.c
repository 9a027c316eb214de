/* SPDX-License-Identifier: Apache-2.0 */
/* api_report_keep: how long reports are kept, and erasing them. */
#include "api/api.h"
#include "api/settings.h"
#include "base/clock.h"
#include "io/spool.h"
#include "store/store.h"

#include "base/poison.h"

#define KEEP_MIN_S UTC_DAY_S
#define KEEP_MAX_S INT64_C(3153600000)

static void put_now(struct api_call *c, const char *name, int64_t own_s,
	const char *setting)
{
	json_put_int(&c->w, name,
		own_s > 0 ? own_s : settings_int(c->env->settings, setting));
}

static void answer(struct api_call *c, const struct store_report_keep *k)
{
	json_open_object(&c->w, NULL);
	json_put_str(&c->w, "tenant", c->tenant);
	json_put_int(&c->w, "raw", k->raw);
	json_put_int(&c->w, "detail", k->detail);
	json_put_int(&c->w, "totals", k->totals);
	put_now(c, "raw_now", k->raw, "report.keep");
	put_now(c, "detail_now", k->detail, "report.keep");
	put_now(c, "totals_now", k->totals, "report.keep_totals");
	json_close_object(&c->w);
}

void api_report_keep_show(struct api_call *c)
{
	struct store_report_keep keep;
	struct err e = {};
	enum status st = store_report_keep_get(
		c->env->store, c->tenant, &keep, &e);

	if (st == ST_OK)
		answer(c, &keep);
	else
		api_fail(c, st, &e);
}

/* A member of the body in seconds, 0 or a day and more. */
static bool read_time(struct api_call *c, const char *name, int64_t *out)
{
	const struct json *v = json_get(c->json, name);
	int64_t n;

	if (v == NULL)
		return true;
	if (json_i64(v, 0, KEEP_MAX_S, &n) == ST_OK &&
		(n == 0 || n >= KEEP_MIN_S)) {
		*out = n;
		return true;
	}
	api_problem(c, 422, "not a time to keep reports", NULL, name,
		"seconds from 86400 to 3153600000, or 0 for what moat.conf "
		"says");
	return false;
}

void api_report_keep_set(struct api_call *c)
{
	struct store_report_keep keep;
	struct err e = {};
	enum status st = store_begin(c->env->store, &e);

	if (st == ST_OK)
		st = store_report_keep_get(c->env->store, c->tenant, &keep, &e);
	if (st == ST_OK && (!read_time(c, "raw", &keep.raw) ||
				   !read_time(c, "detail", &keep.detail) ||
				   !read_time(c, "totals", &keep.totals))) {
		store_rollback(c->env->store);
		return;
	}
	if (st == ST_OK)
		st = store_report_keep_put(c->env->store, c->tenant, &keep, &e);
	if (st == ST_OK)
		st = api_audit_tenant(c, STR("report.keep"),
			arena_fmt(c->a,
				"raw: %lld s, detail: %lld s, totals: "
				"%lld s",
				(long long)keep.raw, (long long)keep.detail,
				(long long)keep.totals),
			&e);
	if (st == ST_OK)
		st = store_commit(c->env->store, &e);
	if (st == ST_OK) {
		answer(c, &keep);
		return;
	}
	store_rollback(c->env->store);
	api_fail(c, st, &e);
}

/* ---- erase -------------------------------------------------------------- */

struct erase {
	struct str domain; /* empty: all */
	int64_t from, to;
};

static bool read_erase_day(struct api_call *c, const char *name, int64_t *day)
{
	struct str text = json_get_str(c->json, name);

	if (json_get(c->json, name) == NULL)
		return true;
	if (api_day_of(c->a, text, day))
		return true;
	api_problem(c, 422, "a day is written as 2026-11-21", NULL, name, NULL);
	return false;
}

/* A domain, or the word that all are meant; from and to are both in. */
static bool read_erase(struct api_call *c, struct erase *x)
{
	int64_t last = UTC_MAX / UTC_DAY_S;

	x->domain = json_get_str(c->json, "domain");
	x->from = UTC_MIN / UTC_DAY_S;
	if (x->domain.n == 0 && !json_true(json_get(c->json, "all"))) {
		api_problem(c, 422, "no domain is named", NULL, "domain",
			"name one, or say {\"all\": true}");
		return false;
	}
	if (!read_erase_day(c, "from", &x->from) ||
		!read_erase_day(c, "to", &last))
		return false;
	x->to = last + 1;
	return true;
}

/* The rows are gone: a file that stays is one that retention takes later. */
static int64_t remove_files(struct api_call *c, const struct store_strs *raw)
{
	int64_t removed = 0;

	for (size_t i = 0; i < raw->n; i++) {
		struct err e = {};

		removed += spool_remove(c->env->spool, SPOOL_DONE,
				   raw->items[i], &e) == ST_OK;
	}
	return removed;
}

void api_report_erase(struct api_call *c)
{
	struct store_strs raw = {};
	struct erase x = {};
	struct err e = {};
	enum status st;
	int64_t n = 0;

	if (!read_erase(c, &x))
		return;
	st = store_begin(c->env->store, &e);
	if (st == ST_OK)
		st = store_report_erase(c->env->store, c->a, c->tenant,
			x.domain, x.from, x.to, &raw, &n, &e);
	if (st == ST_OK)
		st = api_audit_tenant(c, STR("report.erase"),
			arena_fmt(c->a, "%lld reports about %.*s", (long long)n,
				STR_ARG(x.domain.n > 0 ? x.domain
						       : STR("all domains"))),
			&e);
	if (st == ST_OK)
		st = store_commit(c->env->store, &e);
	if (st != ST_OK) {
		store_rollback(c->env->store);
		api_fail(c, st, &e);
		return;
	}
	json_open_object(&c->w, NULL);
	json_put_int(&c->w, "erased", n);
	json_put_int(&c->w, "files", remove_files(c, &raw));
	json_close_object(&c->w);
}
