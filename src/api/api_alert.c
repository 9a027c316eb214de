/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_alert: alerts, and trial messages. A trial is a notice like any other,
 * sent by the role notify, so that it takes the way that alerts take.
 */
#include "api/api.h"
#include "api/settings.h"
#include "store/alert.h"

#include "base/poison.h"

#define PAGE 100u
#define PAGE_MAX 1000u

static void put_members(struct json_writer *w, const struct store_alert *al)
{
	json_put_str(w, "id", al->id);
	json_put_z(w, "kind", store_alert_kind_name(al->kind));
	json_put_bool(w, "proven", al->kind != STORE_ALERT_UNPROVEN);
	json_put_str(w, "domain", al->domain);
	json_put_str(w, "item", al->item);
	json_put_z(w, "state", store_alert_state_name(al->state));
	json_put_int(w, "opened", al->opened);
	json_put_int(w, "closed", al->closed);
	json_put_int(w, "acknowledged", al->acknowledged);
	json_put_str(w, "actor", al->actor);
	json_put_str(w, "what", al->what);
}

void api_alert_list(struct api_call *c)
{
	struct store_alert_filter f = { .tenant = c->tenant,
		.before = api_query(c, "before"),
		.closed = str_eq(api_query(c, "closed"), STR("yes")) };
	struct store_alert *rows;
	struct err e = {};
	enum status st;
	size_t n;

	if (!api_limit(c, PAGE, PAGE_MAX, &f.limit))
		return;
	st = store_alert_list(c->env->store, c->a, &f, &rows, &n, &e);
	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	json_open_object(&c->w, NULL);
	json_open_array(&c->w, "alerts");
	for (size_t i = 0; i < n; i++) {
		json_open_object(&c->w, NULL);
		put_members(&c->w, &rows[i]);
		json_close_object(&c->w);
	}
	json_close_array(&c->w);
	json_close_object(&c->w);
}

static void put_notice(struct json_writer *w, const struct store_notice *n)
{
	json_open_object(w, NULL);
	json_put_str(w, "id", n->id);
	json_put_str(w, "channel", n->channel);
	json_put_str(w, "target", n->target);
	json_put_str(w, "event", n->event);
	json_put_z(w, "state", store_notice_state_name(n->state));
	json_put_int(w, "attempts", n->attempts);
	json_put_int(w, "next", n->next_at);
	json_put_int(w, "done", n->done);
	json_put_str(w, "error", n->error);
	json_close_object(w);
}

static void answer(struct api_call *c, const struct store_alert *al)
{
	struct store_notice *rows;
	struct err e = {};
	size_t n;
	enum status st = store_notice_list(
		c->env->store, c->a, al->tenant, al->id, &rows, &n, &e);

	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	json_open_object(&c->w, NULL);
	put_members(&c->w, al);
	json_open_array(&c->w, "notices");
	for (size_t i = 0; i < n; i++)
		put_notice(&c->w, &rows[i]);
	json_close_array(&c->w);
	json_close_object(&c->w);
}

static void fail(struct api_call *c, enum status st, const struct err *e)
{
	if (st == ST_NOTFOUND)
		api_problem(c, 404, "no such alert", NULL, NULL,
			"moat alert list --closed shows all there are");
	else
		api_fail(c, st, e);
}

void api_alert_show(struct api_call *c)
{
	struct store_alert al;
	struct err e = {};
	enum status st = store_alert_get(
		c->env->store, c->a, c->tenant, c->params[0], &al, &e);

	if (st != ST_OK)
		fail(c, st, &e);
	else
		answer(c, &al);
}

/* Whoever knows need not be told any more. */
static enum status acknowledge(
	struct api_call *c, struct store_alert *al, struct err *e)
{
	struct store *s = c->env->store;
	struct store_audit row = { .tenant = al->tenant,
		.at = c->now,
		.actor = c->actor,
		.action = STR("alert.ack"),
		.object = al->domain,
		.detail = al->what };
	enum status st;

	al->state = STORE_ALERT_ACKNOWLEDGED;
	al->acknowledged = c->now;
	al->actor = c->actor;
	st = store_alert_put(s, al, e);
	if (st == ST_OK)
		st = store_notice_drop(s, al->tenant, al->id, NULL, e);
	if (st == ST_OK)
		st = store_audit_add(s, &row, e);
	return st;
}

void api_alert_ack(struct api_call *c)
{
	struct store *s = c->env->store;
	struct store_alert al;
	struct err e = {};
	enum status st = store_begin(s, &e);

	if (st == ST_OK)
		st = store_alert_get(s, c->a, c->tenant, c->params[0], &al, &e);
	if (st == ST_OK && al.state == STORE_ALERT_OPEN)
		st = acknowledge(c, &al, &e);
	if (st == ST_OK)
		st = store_commit(s, &e);
	else
		store_rollback(s);
	if (st != ST_OK)
		fail(c, st, &e);
	else if (al.state == STORE_ALERT_CLOSED)
		api_problem(c, 409, "the alert is closed", NULL, NULL, NULL);
	else
		answer(c, &al);
}

static bool is_set(const struct api_call *c, struct str channel)
{
	size_t n;

	if (str_eq(channel, STR("webhook")))
		return settings_str(c->env->settings, "alert.webhook").n > 0;
	(void)settings_list(c->env->settings, "alert.mail_to", &n);
	return n > 0;
}

/* Is there somebody to send the trial to? The answer if not. */
static bool has_recipient(struct api_call *c, const struct store_notice *n)
{
	bool mail = str_eq(n->channel, STR("mail"));
	struct store_recipient r;
	struct err e = {};
	enum status st;

	if (n->target.n == 0 && !is_set(c, n->channel)) {
		api_problem(c, 409, "moat.conf does not say where it goes",
			NULL, NULL,
			mail ? "set mail_to, mail_from and smtp under [alert]"
			     : "set webhook and webhook_key_file under "
			       "[alert]");
		return false;
	}
	if (n->target.n == 0)
		return true;
	st = store_recipient_get(
		c->env->store, c->a, n->tenant, n->channel, n->target, &r, &e);
	if (st == ST_NOTFOUND)
		api_problem(c, 404, "that is no recipient of the tenant", NULL,
			"target",
			"moat alert recipient list shows who is told");
	else if (st != ST_OK)
		api_fail(c, st, &e);
	return st == ST_OK;
}

void api_alert_test(struct api_call *c)
{
	struct str channel = json_get_str(c->json, "channel");
	struct store_notice n = { .id = store_new_id(c->a),
		.tenant = c->tenant,
		.channel = channel,
		.target = json_get_str(c->json, "target"),
		.event = STR("test"),
		.created = c->now };
	struct err e = {};
	enum status st;

	if (!str_eq(channel, STR("mail")) && !str_eq(channel, STR("webhook"))) {
		api_problem(c, 422, "channel is neither mail nor webhook", NULL,
			"channel", NULL);
		return;
	}
	if (!has_recipient(c, &n))
		return;
	st = store_notice_add(c->env->store, &n, &e);
	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	c->code = 202;
	put_notice(&c->w, &n);
}

void api_alert_trial(struct api_call *c)
{
	struct store_notice n;
	struct err e = {};
	enum status st = store_notice_get(
		c->env->store, c->a, c->params[0], &n, &e);

	if (st == ST_OK &&
		(!str_eq(n.event, STR("test")) || !str_eq(n.tenant, c->tenant)))
		st = ST_NOTFOUND;
	if (st == ST_NOTFOUND)
		api_problem(c, 404, "no such trial", NULL, NULL, NULL);
	else if (st != ST_OK)
		api_fail(c, st, &e);
	else
		put_notice(&c->w, &n);
}
