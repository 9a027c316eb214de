/* SPDX-License-Identifier: Apache-2.0 */
/* api_report: TLS reports taken in (RFC 8460), and what could not be read. */
#include "api/api.h"
#include "base/base64.h"
#include "io/spool.h"
#include "store/store.h"

#include "base/poison.h"

#define PAGE 100u
#define PAGE_MAX 1000u
#define REPLAY_NAMES_MAX 1000u

void api_report_import(struct api_call *c)
{
	struct spool_meta meta = { .source = SPOOL_IMPORT,
		.received = { c->now },
		.id = api_query(c, "id"),
		.content_type = c->content_type };
	char name[SPOOL_NAME_MAX] = "";
	struct err e = {};
	enum status st;

	if (c->body.n == 0) {
		api_problem(c, 422, "the body is empty", NULL, NULL,
			"send the report itself: JSON, gzip or a mail");
		return;
	}
	st = spool_put(c->env->spool, &meta, c->body, name, NULL, &e);
	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	c->code = 202;
	json_open_object(&c->w, NULL);
	json_put_z(&c->w, "name", name);
	json_close_object(&c->w);
}

/* What a list of reports leaves out. */
static void put_detail(
	struct json_writer *w, const struct store_report_policy *p)
{
	json_put_strs(w, "strings", p->strings.items, p->strings.n);
	json_put_strs(w, "mx_hosts", p->mx.items, p->mx.n);
	json_open_array(w, "failures");
	for (size_t i = 0; i < p->n_failures; i++) {
		json_open_object(w, NULL);
		api_put_failure(w, &p->failures[i]);
		json_close_object(w);
	}
	json_close_array(w);
}

static void put_policy(
	struct json_writer *w, const struct store_report_policy *p, bool whole)
{
	json_open_object(w, NULL);
	json_put_str(w, "type", p->type);
	json_put_str(w, "domain", p->domain);
	json_put_int(w, "successful", p->ok);
	json_put_int(w, "failed", p->failed);
	if (whole)
		put_detail(w, p);
	json_close_object(w);
}

static void put_report(
	struct json_writer *w, const struct store_report *r, bool whole)
{
	json_open_object(w, NULL);
	json_put_str(w, "id", r->id);
	json_put_str(w, "tenant", r->tenant);
	json_put_str(w, "domain", r->domain);
	json_put_str(w, "organization", r->org);
	json_put_str(w, "report_id", r->report_id);
	json_put_int(w, "begin", r->begin);
	json_put_int(w, "end", r->end);
	json_put_int(w, "received", r->received);
	json_put_str(w, "via", r->via);
	json_put_str(w, "proof", r->proof);
	json_put_z(w, "state", store_report_state_name(r->state));
	json_put_str(w, "why", r->why);
	json_put_str(w, "dkim", r->dkim);
	json_put_str(w, "dkim_domain", r->dkim_domain);
	json_put_bool(w, "dkim_aligned", r->dkim_aligned);
	json_put_str(w, "quirks", r->quirks);
	json_put_str(w, "raw", r->raw_name);
	json_open_array(w, "policies");
	for (size_t i = 0; i < r->n_policies; i++)
		put_policy(w, &r->policies[i], whole);
	json_close_array(w);
	json_close_object(w);
}

/* The query parameter state; false after answering that it is wrong. */
static bool read_state(struct api_call *c, enum store_report_state *state)
{
	struct str text = api_query(c, "state");

	for (int i = 0; i < STORE_REPORT_STATES; i++) {
		enum store_report_state one = (enum store_report_state)i;

		if (!str_eq(text, str_of(store_report_state_name(one))))
			continue;
		*state = one;
		return true;
	}
	if (text.p == NULL)
		return true;
	api_problem(c, 422, "there is no such state of a report", NULL, "state",
		"accepted, quarantined or ignored");
	return false;
}

void api_report_list(struct api_call *c)
{
	struct store_report_filter f = { .tenant = c->tenant,
		.domain = api_query(c, "domain"),
		.before = api_query(c, "before") };
	struct store_report *rows;
	struct err e = {};
	enum status st;
	size_t n;

	if (!api_limit(c, PAGE, PAGE_MAX, &f.limit) || !read_state(c, &f.state))
		return;
	st = store_report_list(c->env->store, c->a, &f, true, &rows, &n, &e);
	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	json_open_object(&c->w, NULL);
	json_open_array(&c->w, "reports");
	for (size_t i = 0; i < n; i++)
		put_report(&c->w, &rows[i], false);
	json_close_array(&c->w);
	json_close_object(&c->w);
}

static enum status find(
	struct api_call *c, struct store_report *out, struct err *e)
{
	return store_report_get(
		c->env->store, c->a, c->tenant, c->params[0], out, e);
}

static void report_fail(struct api_call *c, enum status st, const struct err *e)
{
	if (st == ST_NOTFOUND)
		api_problem(c, 404, "not found", e->text, NULL,
			"moat report list shows the ids");
	else
		api_fail(c, st, e);
}

void api_report_show(struct api_call *c)
{
	struct store_report r;
	struct err e = {};
	enum status st = find(c, &r, &e);

	if (st == ST_OK)
		put_report(&c->w, &r, true);
	else
		report_fail(c, st, &e);
}

/* As it came: nothing of it has been unpacked here. */
void api_report_raw(struct api_call *c)
{
	struct spool_meta meta = {};
	struct store_report r;
	struct sbuf text = {};
	struct err e = {};
	struct str body;
	enum status st = find(c, &r, &e);

	if (st == ST_OK)
		st = spool_read(c->env->spool, SPOOL_DONE, r.raw_name, c->a,
			&meta, &body, &e);
	if (st != ST_OK) {
		report_fail(c, st, &e);
		return;
	}
	text = sbuf_arena(c->a, 2 * body.n + 4);
	base64_write(&text, body);
	json_open_object(&c->w, NULL);
	json_put_str(&c->w, "name", r.raw_name);
	json_put_str(&c->w, "content_type", meta.content_type);
	json_put_int(&c->w, "received", meta.received.s);
	json_put_str(&c->w, "base64", sbuf_str(&text));
	json_close_object(&c->w);
}

static void put_unreadable(
	struct json_writer *w, const struct store_bad_report *b)
{
	json_open_object(w, NULL);
	json_put_str(w, "name", b->name);
	json_put_str(w, "via", b->via);
	json_put_str(w, "id", b->label);
	json_put_str(w, "remote", b->remote);
	json_put_int(w, "received", b->received);
	json_put_int(w, "bytes", b->bytes);
	json_put_str(w, "reason", b->reason);
	json_close_object(w);
}

void api_report_unreadable(struct api_call *c)
{
	struct store_bad_report *rows;
	struct err e = {};
	enum status st;
	size_t n, limit;

	if (!api_limit(c, PAGE, PAGE_MAX, &limit))
		return;
	st = store_bad_report_list(c->env->store, c->a, api_query(c, "before"),
		limit, &rows, &n, &e);
	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	json_open_object(&c->w, NULL);
	json_open_array(&c->w, "unreadable");
	for (size_t i = 0; i < n; i++)
		put_unreadable(&c->w, &rows[i]);
	json_close_array(&c->w);
	json_close_object(&c->w);
}

/* All of spool/bad. */
static void replay_unreadable(struct api_call *c)
{
	struct spool_names names = {};
	struct err e = {};
	enum status st = spool_list(
		c->env->spool, SPOOL_BAD, SIZE_MAX, c->a, &names, &e);

	if (st == ST_OK)
		st = spool_move_all(c->env->spool, SPOOL_BAD, SPOOL_NEW,
			names.items, names.n, &e);
	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	c->code = 202;
	json_open_object(&c->w, NULL);
	json_put_int(&c->w, "replayed", (int64_t)names.n);
	json_open_array(&c->w, "missing");
	json_close_array(&c->w);
	json_close_object(&c->w);
}

static enum status replay_one(
	struct api_call *c, struct str name, struct err *e)
{
	enum status st = spool_move(
		c->env->spool, SPOOL_BAD, SPOOL_NEW, name, e);

	if (st == ST_NOTFOUND)
		st = spool_move(c->env->spool, SPOOL_DONE, SPOOL_NEW, name, e);
	return st;
}

static void replay_names(struct api_call *c, const struct json *names)
{
	struct str missing[REPLAY_NAMES_MAX];
	size_t n_missing = 0;
	struct err e = {};

	for (const struct json *n = names->first; n != NULL; n = n->next) {
		enum status st = replay_one(c, json_str(n), &e);

		if (st == ST_NOTFOUND) {
			missing[n_missing++] = json_str(n);
		} else if (st != ST_OK) {
			api_fail(c, st, &e);
			return;
		}
	}
	c->code = 202;
	json_open_object(&c->w, NULL);
	json_put_int(&c->w, "replayed", (int64_t)(names->count - n_missing));
	json_put_strs(&c->w, "missing", missing, n_missing);
	json_close_object(&c->w);
}

/* The digest takes them from spool/new, as if they had just come. */
void api_report_replay(struct api_call *c)
{
	const struct json *names = json_get(c->json, "names");

	if (json_true(json_get(c->json, "unreadable")))
		replay_unreadable(c);
	else if (names != NULL && names->type == JSON_ARRAY &&
		 names->count >= 1 && names->count <= REPLAY_NAMES_MAX)
		replay_names(c, names);
	else
		api_problem(c, 422, "no report is named", NULL, NULL,
			"send {\"unreadable\": true}, or {\"names\": "
			"[...]} with 1 to 1000 file names");
}
