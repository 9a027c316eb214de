/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_report_view: what reports add up to, by day, result, MX host, sending
 * MTA, reporter or policy, what it means, and the single failures behind it.
 */
#include "api/api.h"
#include "api/api_report_served.h"
#include "proto/tlsrpt_meaning.h"
#include "store/report_view.h"

#include "base/poison.h"

#define USUAL_DAYS 30
#define ROWS 1000u
#define ROWS_MAX 100000u
#define FAILURES 100u
#define FAILURES_MAX 1000u

static bool read_day(struct api_call *c, const char *name, int64_t *day)
{
	struct str text = api_query(c, name);

	if (text.p == NULL || api_day_of(c->a, text, day))
		return true;
	api_problem(c, 422, "a day is written as 2026-11-21", NULL, name, NULL);
	return false;
}

/* from and to, both of them in; the last 30 days unless given. */
static bool read_days(struct api_call *c, int64_t *from, int64_t *to)
{
	int64_t last = c->now / UTC_DAY_S;

	if (!read_day(c, "to", &last))
		return false;
	*from = last - USUAL_DAYS + 1;
	if (!read_day(c, "from", from))
		return false;
	*to = last + 1;
	if (*from < *to)
		return true;
	api_problem(c, 422, "from is later than to", NULL, "from", NULL);
	return false;
}

/* Which result types: group or result. */
static bool read_results(struct api_call *c, struct store_view_filter *f)
{
	struct str group = api_query(c, "group");

	f->result = api_query_text(c, "result");
	f->by_family = group.p != NULL;
	if (f->by_family && tlsrpt_family_parse(group, &f->family) != ST_OK) {
		api_problem(c, 422, "there is no such group of results", NULL,
			"group", "sts, dane, transport or other");
		return false;
	}
	if (store_view_has_results(f->view) ||
		(!f->by_family && f->result.n == 0))
		return true;
	api_problem(c, 422, "this view does not tell results apart", NULL,
		"group", "leave group and result out");
	return false;
}

static bool read_filter(struct api_call *c, struct store_view_filter *f)
{
	f->tenant = c->tenant;
	f->domain = api_query(c, "domain");
	f->proven_only = str_eq(api_query(c, "proven"), STR("yes"));
	return read_days(c, &f->from, &f->to) &&
	       api_limit(c, ROWS, ROWS_MAX, &f->limit) && read_results(c, f);
}

static void put_day(struct json_writer *w, const char *name, int64_t day)
{
	char text[32];
	struct sbuf b = sbuf_fixed(text, sizeof(text));

	utc_write(&b, (struct unix_time){ day * UTC_DAY_S });
	json_put_str(w, name, str_upto(sbuf_str(&b), 10));
}

static void put_meaning(
	struct json_writer *w, const char *name, const struct tlsrpt_meaning *m)
{
	json_open_object(w, name);
	json_put_z(w, "name", m->name);
	json_put_z(w, "what", m->what);
	json_put_z(w, "side", m->side);
	json_put_z(w, "todo", m->todo);
	json_put_z(w, "checks", m->checks);
	json_close_object(w);
}

static void put_meanings(
	struct json_writer *w, struct str result_type, struct str reason)
{
	const struct tlsrpt_meaning *m = tlsrpt_reason_of(reason);

	put_meaning(
		w, "meaning", tlsrpt_meaning_of(tlsrpt_result_of(result_type)));
	if (m != NULL)
		put_meaning(w, "reason_meaning", m);
}

/* What is known by now; null where nothing is. */
static void put_name(struct api_call *c, struct str address)
{
	struct store_reverse_name r;
	struct err e = {};

	if (store_reverse_name_get(c->env->store, c->a, address, &r, &e) !=
			ST_OK ||
		r.state == STORE_REVERSE_NONE) {
		json_put_null(&c->w, "sending_name");
		json_put_null(&c->w, "sending_name_confirmed");
		return;
	}
	json_put_str(&c->w, "sending_name", r.name);
	json_put_bool(&c->w, "sending_name_confirmed",
		r.state == STORE_REVERSE_CONFIRMED);
}

static void put_served(struct api_call *c, const struct api_served *served,
	const struct store_view_row *r)
{
	const char *word = api_served_name(
		served, c->a, r->policy_type, r->keys[0]);

	if (word != NULL)
		json_put_z(&c->w, "served", word);
	else
		json_put_null(&c->w, "served");
}

static void put_row(struct api_call *c, enum store_view view,
	const struct api_served *served, const struct store_view_row *r)
{
	struct json_writer *w = &c->w;

	json_open_object(w, NULL);
	if (view == STORE_VIEW_DAY)
		put_day(w, "day", r->first_day);
	for (size_t i = 0; store_view_key(view, i) != NULL; i++)
		json_put_str(w, store_view_key(view, i), r->keys[i]);
	if (view == STORE_VIEW_SOURCE)
		put_name(c, r->keys[1]);
	if (view == STORE_VIEW_POLICY)
		put_served(c, served, r);
	json_put_str(w, "policy_type", r->policy_type);
	json_put_bool(w, "proven", !r->unproven);
	if (view == STORE_VIEW_DAY || !store_view_has_results(view))
		json_put_int(w, "successful", r->ok);
	json_put_int(w, "failed", r->failed);
	json_put_int(w, "count", r->counts);
	put_day(w, "first_day", r->first_day);
	put_day(w, "last_day", r->last_day);
	if (view == STORE_VIEW_RESULT)
		put_meanings(w, r->keys[0], r->keys[1]);
	json_close_object(w);
}

static void put_judgement(struct json_writer *w, const struct store_spread *s,
	int64_t reporters, int64_t successful)
{
	const struct tlsrpt_evidence v = { .result = tlsrpt_result_of(
						   s->result_type),
		.reporters = s->reporters,
		.all_reporters = reporters,
		.sources = s->sources,
		.failed = s->failed,
		.successful = successful };
	struct tlsrpt_judgement j = tlsrpt_judge(&v);

	json_open_object(w, NULL);
	json_put_str(w, "result_type", s->result_type);
	json_put_z(w, "verdict", tlsrpt_verdict_name(j.verdict));
	json_put_z(w, "certainty", tlsrpt_certainty_name(j.certainty));
	json_put_z(w, "text", j.text);
	json_put_int(w, "reporters", v.reporters);
	json_put_int(w, "all_reporters", v.all_reporters);
	json_put_int(w, "sending_mtas", v.sources);
	json_put_int(w, "failed", v.failed);
	json_close_object(w);
}

/* Whose fault each result type seems to be, of one domain. */
static enum status put_judgements(
	struct api_call *c, const struct store_view_filter *f, struct err *e)
{
	int64_t reporters, successful;
	struct store_spread *rows;
	enum status st;
	size_t n;

	st = store_view_spread(
		c->env->store, c->a, f, &rows, &n, &reporters, &successful, e);
	if (st == ST_NOTFOUND)
		return ST_OK;
	if (st != ST_OK)
		return st;
	json_open_array(&c->w, "judgements");
	for (size_t i = 0; i < n; i++)
		put_judgement(&c->w, &rows[i], reporters, successful);
	json_close_array(&c->w);
	return ST_OK;
}

void api_report_view(struct api_call *c)
{
	struct store_view_filter f = {};
	struct api_served *served = NULL;
	struct store_view_row *rows;
	struct err e = {};
	enum status st;
	size_t n;

	if (store_view_parse(c->params[0], &f.view) != ST_OK) {
		api_problem(c, 404, "there is no such view", NULL, NULL,
			"day, result, mx, source, reporter or policy");
		return;
	}
	if (!read_filter(c, &f))
		return;
	st = store_view_list(c->env->store, c->a, &f, &rows, &n, &e);
	if (st == ST_OK && f.view == STORE_VIEW_POLICY && f.domain.n > 0)
		st = api_served_get(
			c->env->store, c->a, f.tenant, f.domain, &served, &e);
	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	json_open_object(&c->w, NULL);
	json_put_z(&c->w, "view", store_view_name(f.view));
	json_put_str(&c->w, "domain", f.domain);
	put_day(&c->w, "from", f.from);
	put_day(&c->w, "to", f.to - 1);
	json_put_bool(&c->w, "more", n == f.limit);
	json_open_array(&c->w, "rows");
	for (size_t i = 0; i < n; i++)
		put_row(c, f.view, served, &rows[i]);
	json_close_array(&c->w);
	if (f.view == STORE_VIEW_RESULT)
		st = put_judgements(c, &f, &e);
	json_close_object(&c->w);
	if (st != ST_OK)
		api_fail(c, st, &e);
}

void api_put_failure(
	struct json_writer *w, const struct store_report_failure *f)
{
	json_put_str(w, "result_type", f->result_type);
	json_put_str(w, "reason", f->reason_code);
	json_put_str(w, "sending_mta", f->sending_ip);
	json_put_str(w, "mx_host", f->receiving_host);
	json_put_str(w, "mx_helo", f->receiving_helo);
	json_put_str(w, "mx_address", f->receiving_ip);
	json_put_str(w, "information", f->info_uri);
	json_put_int(w, "failed", f->sessions);
	put_meanings(w, f->result_type, f->reason_code);
}

static void put_failure(struct json_writer *w, const struct store_failure *f)
{
	json_open_object(w, NULL);
	json_put_str(w, "report", f->report);
	json_put_str(w, "domain", f->domain);
	json_put_str(w, "organization", f->reporter);
	json_put_str(w, "proof", f->proof);
	put_day(w, "day", f->begin / UTC_DAY_S);
	json_put_str(w, "policy_type", f->policy_type);
	api_put_failure(w, &f->failure);
	json_close_object(w);
}

void api_report_failures(struct api_call *c)
{
	struct store_failure_filter f = { .tenant = c->tenant,
		.domain = api_query(c, "domain"),
		.reporter = api_query_text(c, "organization"),
		.policy_type = api_query_text(c, "policy_type"),
		.result_type = api_query_text(c, "result"),
		.reason_code = api_query_text(c, "reason"),
		.sending_ip = api_query_text(c, "sending_mta"),
		.receiving_host = api_query_text(c, "mx_host"),
		.before = api_query(c, "before") };
	struct store_failure *rows;
	struct err e = {};
	enum status st;
	size_t n;

	if (!read_days(c, &f.from, &f.to) ||
		!api_limit(c, FAILURES, FAILURES_MAX, &f.limit))
		return;
	f.from *= UTC_DAY_S;
	f.to *= UTC_DAY_S;
	st = store_failure_list(c->env->store, c->a, &f, &rows, &n, &e);
	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	json_open_object(&c->w, NULL);
	json_open_array(&c->w, "failures");
	for (size_t i = 0; i < n; i++)
		put_failure(&c->w, &rows[i]);
	json_close_array(&c->w);
	json_close_object(&c->w);
}

void api_report_meanings(struct api_call *c)
{
	json_open_object(&c->w, NULL);
	json_open_array(&c->w, "results");
	for (int i = 0; i < TLSRPT_RESULTS; i++)
		put_meaning(
			&c->w, NULL, tlsrpt_meaning_of((enum tlsrpt_result)i));
	json_close_array(&c->w);
	json_open_array(&c->w, "reasons");
	for (const struct tlsrpt_meaning *m = tlsrpt_reasons; m->name != NULL;
		m++)
		put_meaning(&c->w, NULL, m);
	json_close_array(&c->w);
	json_close_object(&c->w);
}
