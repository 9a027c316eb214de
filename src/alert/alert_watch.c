/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_watch: alerts follow findings. An alert and the notices of it are
 * written in one transaction: what was opened is told, whatever crashes.
 */
#include <string.h>

#include "alert/alert_watch.h"

#include "base/bug.h"
#include "base/log.h"

#include "base/poison.h"

#define ALL_S 3600

/* One domain (or, with none, the reports that could not be read). */
struct look {
	struct alert_watch *w;
	struct arena *a;
	struct str tenant, domain;
	int64_t now;
	struct store_alert *alerts; /* not closed */
	size_t n;
};

static bool is_about(
	const struct store_alert *al, const struct alert_finding *f)
{
	return al->kind == f->kind && str_eq(al->item, f->item);
}

static enum status tell(struct look *l, const struct store_alert *al,
	const char *event, int64_t from, struct err *e)
{
	const struct alert_watch_options *o = &l->w->o;
	struct store_notice n = { .tenant = al->tenant,
		.alert = al->id,
		.event = str_of(event),
		.created = l->now };

	if (al->kind == STORE_ALERT_UNPROVEN && !o->unproven)
		return ST_OK;
	return alert_tell(
		&o->tell, l->w->store, l->a, &n, false, from, NULL, e);
}

/* Within the cooldown the old alert goes on, and is told when that is over. */
static enum status open_alert(
	struct look *l, const struct alert_finding *f, struct err *e)
{
	struct store_alert al = { .tenant = l->tenant,
		.kind = f->kind,
		.domain = l->domain,
		.item = f->item,
		.opened = l->now };
	struct store *s = l->w->store;
	struct store_alert old;
	int64_t from = l->now;
	enum status st = store_alert_last(s, l->a, &al, &old, e);

	if (st != ST_OK && st != ST_NOTFOUND)
		return st;
	if (st == ST_OK && l->now - old.closed < l->w->o.cooldown_s) {
		from = old.closed + l->w->o.cooldown_s;
		al = old;
		al.state = STORE_ALERT_OPEN;
		al.what = f->what;
		st = store_alert_put(s, &al, e);
	} else {
		al.id = store_new_id(l->a);
		al.what = f->what;
		st = store_alert_add(s, &al, e);
	}
	if (st == ST_OK)
		st = tell(l, &al, "opened", from, e);
	if (st == ST_OK)
		LOG(LOG_INFO, "alert.opened", KV_STR("id", al.id),
			KV_Z("kind", store_alert_kind_name(al.kind)),
			KV_STR("domain", al.domain), KV_STR("what", al.what));
	return st;
}

/* Who was not told that it is open need not hear that it is closed. */
static enum status close_alert(
	struct look *l, struct store_alert *al, struct err *e)
{
	struct store *s = l->w->store;
	int64_t dropped = 0;
	enum status st;

	al->state = STORE_ALERT_CLOSED;
	al->closed = l->now;
	st = store_alert_put(s, al, e);
	if (st == ST_OK)
		st = store_notice_drop(s, al->tenant, al->id, &dropped, e);
	if (st == ST_OK && dropped == 0)
		st = tell(l, al, "closed", l->now, e);
	if (st == ST_OK)
		LOG(LOG_INFO, "alert.closed", KV_STR("id", al->id),
			KV_Z("kind", store_alert_kind_name(al->kind)),
			KV_STR("domain", al->domain));
	return st;
}

static enum status follow(
	struct look *l, const struct alert_findings *found, struct err *e)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < l->n; i++) {
		struct store_alert *al = &l->alerts[i];
		const struct alert_finding *f = NULL;

		for (size_t j = 0; f == NULL && j < found->n; j++)
			if (is_about(al, &found->items[j]))
				f = &found->items[j];
		if (f == NULL) {
			st = close_alert(l, al, e);
		} else if (!str_eq(al->what, f->what)) {
			al->what = f->what;
			st = store_alert_put(l->w->store, al, e);
		}
	}
	for (size_t j = 0; st == ST_OK && j < found->n; j++) {
		bool there = false;

		for (size_t i = 0; i < l->n; i++)
			there |= is_about(&l->alerts[i], &found->items[j]);
		if (!there)
			st = open_alert(l, &found->items[j], e);
	}
	return st;
}

static enum status find(
	struct look *l, struct alert_findings *out, struct err *e)
{
	int64_t since = l->now - l->w->o.window_s, unread = 0;
	struct store_alert_facts facts = {};
	enum status st;

	if (l->domain.n == 0) {
		st = store_alert_unread(l->w->store, since, &unread, e);
		if (st == ST_OK)
			*out = alert_rules_unread(l->a, unread);
		return st;
	}
	st = store_alert_facts_get(
		l->w->store, l->a, l->tenant, l->domain, since, &facts, e);
	if (st == ST_OK)
		*out = alert_rules_run(&l->w->o.rules, l->a, &facts, l->now);
	return st;
}

static enum status look_at(struct alert_watch *w, struct str tenant,
	struct str domain, struct err *e)
{
	struct look l = { .w = w,
		.a = arena_must(0),
		.tenant = tenant,
		.domain = domain,
		.now = clock_now(w->clock).s };
	struct alert_findings found = {};
	enum status st = find(&l, &found, e);

	if (st == ST_OK)
		st = store_begin(w->store, e);
	if (st != ST_OK)
		goto out;
	st = store_alert_unclosed(
		w->store, l.a, tenant, domain, &l.alerts, &l.n, e);
	if (st == ST_OK)
		st = follow(&l, &found, e);
	if (st == ST_OK)
		st = store_commit(w->store, e);
	else
		store_rollback(w->store);
out:
	arena_free(&l.a);
	return st;
}

/*
 * What is wrong with one domain's rows is no other's trouble: the first that
 * fails is told of when all were looked at. A database that is away as a whole
 * (ST_TEMP) is not asked once more for each.
 */
static enum status look_at_each(struct alert_watch *w,
	const struct store_alert_domain *due, size_t n, struct err *e)
{
	enum status first = ST_OK, st = ST_OK;

	for (size_t i = 0; i < n && st != ST_TEMP; i++) {
		struct err why = {};

		st = look_at(w, due[i].tenant, due[i].domain, &why);
		if (st != ST_OK && (first == ST_OK || st == ST_TEMP)) {
			first = st;
			*e = why;
			err_prefix(e, "%.*s", STR_ARG(due[i].domain));
		}
	}
	return first;
}

static void note_last(struct alert_watch *w, struct str id)
{
	BUG(id.n > sizeof(w->last_bytes));
	memcpy(w->last_bytes, id.p, id.n);
	w->last = (struct str){ w->last_bytes, id.n };
}

enum status alert_watch_step(struct alert_watch *w, struct err *e)
{
	int64_t now = clock_now(w->clock).s;
	struct store_alert_domain *due = NULL;
	bool all = now >= w->all_at;
	enum status st, looked = ST_OK;
	struct arena *a = arena_must(0);
	struct err why = {};
	int64_t unread = 0;
	struct str newest;
	size_t n = 0;

	st = store_alert_newest(w->store, a, &newest, e);
	if (st == ST_OK && (all || !str_eq(newest, w->last)))
		st = store_alert_domains(w->store, a, all ? STR("") : w->last,
			now - w->o.window_s, all, &due, &n, e);
	if (st == ST_OK)
		looked = look_at_each(w, due, n, &why);
	if (st == ST_OK && looked == ST_TEMP)
		st = looked;
	if (st == ST_OK)
		st = store_alert_unread(
			w->store, now - w->o.window_s, &unread, e);
	if (st == ST_OK && (all || unread != w->unread))
		st = look_at(w, STORE_TENANT_DEFAULT, STR(""), e);
	if (st == ST_OK && all)
		st = store_alert_prune(w->store, now - w->o.keep_s, e);
	if (st == ST_OK) {
		note_last(w, newest);
		w->unread = unread;
		w->all_at = all ? now + ALL_S : w->all_at;
		st = looked;
	}
	if (looked != ST_OK)
		*e = why;
	arena_free(&a);
	return st;
}
