/* SPDX-License-Identifier: Apache-2.0 */
/* api_alert_digest: what a digest mail says, and sending it now. */
#include "api/api.h"
#include "api/settings.h"
#include "base/bug.h"
#include "base/clock.h"
#include "store/alert.h"

#include "base/poison.h"

#define TEXT_BYTES_MAX 65536u

struct ask {
	struct str tenant;
	bool weekly;
	int64_t day; /* the first of the period */
};

/* The period with that day in it; without one the last that is over. */
static bool read_ask(
	struct api_call *c, struct str period, struct str day, struct ask *out)
{
	int64_t today = c->now / UTC_DAY_S, first = today;

	out->tenant = c->tenant;
	out->weekly = str_eq(period, STR("weekly"));
	if (!out->weekly && period.n > 0 && !str_eq(period, STR("daily"))) {
		api_problem(c, 422, "period is neither daily nor weekly", NULL,
			"period", NULL);
		return false;
	}
	if (day.n > 0 && (!api_day_of(c->a, day, &first) || first > today)) {
		api_problem(c, 422, "no day that was, as 2026-11-21", NULL,
			"day", NULL);
		return false;
	}
	if (day.n == 0)
		first = today - (out->weekly ? 7 : 1);
	out->day = tlsrpt_digest_first(out->weekly, first);
	return true;
}

static void put_sums(struct json_writer *w, const char *name,
	const struct tlsrpt_digest_sums *s)
{
	json_open_object(w, name);
	json_put_int(w, "reports", s->reports);
	json_put_int(w, "successful", s->ok);
	json_put_int(w, "failed", s->failed);
	json_close_object(w);
}

static size_t shown(size_t n)
{
	return n < TLSRPT_DIGEST_ROWS_MAX ? n : TLSRPT_DIGEST_ROWS_MAX;
}

static void put_failures(struct json_writer *w, const struct tlsrpt_digest *d)
{
	json_open_array(w, "failures");
	for (size_t i = 0; i < shown(d->n_failures); i++) {
		const struct tlsrpt_digest_failure *f = &d->failures[i];

		json_open_object(w, NULL);
		json_put_str(w, "domain", f->domain);
		json_put_str(w, "result_type", f->result_type);
		json_put_int(w, "failed", f->failed);
		json_put_int(w, "reporters", f->reporters);
		json_put_int(w, "before", f->before);
		json_close_object(w);
	}
	json_close_array(w);
}

static void put_reporters(struct json_writer *w, const struct tlsrpt_digest *d)
{
	json_open_array(w, "reporters");
	for (size_t i = 0; i < shown(d->n_reporters); i++) {
		json_open_object(w, NULL);
		json_put_str(w, "reporter", d->reporters[i].name);
		json_put_int(w, "reports", d->reporters[i].reports);
		json_put_bool(w, "new", d->reporters[i].before == 0);
		json_close_object(w);
	}
	json_close_array(w);
}

static void put_alerts(struct json_writer *w, const struct tlsrpt_digest *d)
{
	json_open_array(w, "alerts");
	for (size_t i = 0; i < d->n_alerts; i++) {
		const struct tlsrpt_digest_alert *al = &d->alerts[i];

		json_open_object(w, NULL);
		json_put_str(w, "id", al->id);
		json_put_str(w, "kind", al->kind);
		json_put_str(w, "domain", al->domain);
		json_put_str(w, "item", al->item);
		json_put_str(w, "what", al->what);
		json_put_bool(w, "new", al->is_new);
		json_put_bool(w, "over", al->is_over);
		json_put_bool(w, "acknowledged", al->is_known);
		json_close_object(w);
	}
	json_close_array(w);
}

static void put_domains(struct json_writer *w, const struct tlsrpt_digest *d)
{
	json_open_array(w, "domains");
	for (size_t i = 0; i < shown(d->n_domains); i++) {
		json_open_object(w, NULL);
		json_put_str(w, "domain", d->domains[i].name);
		json_put_str(w, "attention", d->domains[i].attention);
		json_close_object(w);
	}
	json_close_array(w);
}

static void put_words(struct api_call *c, const struct tlsrpt_digest *d)
{
	struct sbuf subject = sbuf_arena(c->a, TEXT_BYTES_MAX);
	struct sbuf text = sbuf_arena(c->a, TEXT_BYTES_MAX);

	tlsrpt_digest_subject(&subject, d);
	tlsrpt_digest_text(&text, d);
	BUG(!sbuf_ok(&subject) || !sbuf_ok(&text));
	json_put_str(&c->w, "subject", sbuf_str(&subject));
	json_put_str(&c->w, "text", sbuf_str(&text));
}

static void put_digest(
	struct api_call *c, const struct ask *x, const struct tlsrpt_digest *d)
{
	struct json_writer *w = &c->w;

	json_put_str(w, "tenant", x->tenant);
	json_put_z(w, "period", x->weekly ? "weekly" : "daily");
	json_put_int(w, "from", d->from);
	json_put_int(w, "to", d->to);
	json_put_bool(w, "empty", tlsrpt_digest_is_empty(d));
	put_words(c, d);
	put_sums(w, "proven", &d->sums);
	put_sums(w, "before", &d->sums_before);
	put_sums(w, "unproven", &d->unproven);
	json_put_int(w, "quarantined", d->quarantined);
	json_put_int(w, "ignored", d->ignored);
	json_put_int(w, "unreadable", d->unreadable);
	put_failures(w, d);
	put_reporters(w, d);
	put_alerts(w, d);
	put_domains(w, d);
}

/* Of a tenant that does not exist there is no digest, not an empty one. */
static enum status get(struct api_call *c, const struct ask *x,
	struct tlsrpt_digest *out, struct err *e)
{
	struct store_telling t;
	enum status st = store_telling_get(
		c->env->store, c->a, x->tenant, &t, e);

	if (st != ST_OK)
		return st;
	return store_digest_get(
		c->env->store, c->a, x->tenant, x->weekly, x->day, out, e);
}

void api_alert_digest_show(struct api_call *c)
{
	struct tlsrpt_digest d;
	struct err e = {};
	enum status st;
	struct ask x;

	if (!read_ask(c, api_query(c, "period"), api_query(c, "day"), &x))
		return;
	st = get(c, &x, &d, &e);
	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	json_open_object(&c->w, NULL);
	put_digest(c, &x, &d);
	json_close_object(&c->w);
}

/* One notice for each recipient of mail; the role notify sends them. */
static enum status leave_notices(struct api_call *c, const struct ask *x,
	struct store_strs *ids, struct err *e)
{
	const struct settings *set = c->env->settings;
	struct store_recipient *to;
	size_t n, n_to, n_ids = 0;
	struct str *items;
	enum status st;

	(void)settings_list(set, "alert.mail_to", &n);
	st = store_recipient_told(
		c->env->store, c->a, x->tenant, n > 0, false, &to, &n_to, e);
	if (st != ST_OK)
		return st;
	items = arena_array(c->a, n_to + 1, sizeof(*items));
	BUG(items == NULL);
	for (size_t i = 0; st == ST_OK && i < n_to; i++) {
		struct store_notice notice = { .id = store_new_id(c->a),
			.tenant = x->tenant,
			.channel = to[i].channel,
			.target = to[i].target,
			.event = x->weekly ? STR("weekly") : STR("daily"),
			.day = x->day,
			.next_at = c->now,
			.created = c->now };

		if (!str_eq(to[i].channel, STR("mail")))
			continue;
		items[n_ids++] = notice.id;
		st = store_notice_add(c->env->store, &notice, e);
	}
	*ids = (struct store_strs){ items, n_ids };
	return st;
}

void api_alert_digest_send(struct api_call *c)
{
	struct store *s = c->env->store;
	struct store_strs ids = {};
	struct tlsrpt_digest d;
	struct err e = {};
	enum status st;
	struct ask x;

	if (!read_ask(c, json_get_str(c->json, "period"),
		    json_get_str(c->json, "day"), &x))
		return;
	st = store_begin(s, &e);
	if (st == ST_OK)
		st = get(c, &x, &d, &e);
	if (st == ST_OK)
		st = leave_notices(c, &x, &ids, &e);
	if (st == ST_OK)
		st = store_commit(s, &e);
	else
		store_rollback(s);
	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	if (ids.n == 0) {
		api_problem(c, 409, "nobody has mail", NULL, NULL,
			"set alert.mail_to, or moat alert recipient add mail");
		return;
	}
	c->code = 202;
	json_open_object(&c->w, NULL);
	put_digest(c, &x, &d);
	json_put_strs(&c->w, "notices", ids.items, ids.n);
	json_close_object(&c->w);
}
