/* SPDX-License-Identifier: Apache-2.0 */
/* api_alert_recipient: who is told of a tenant's alerts, and when. */
#include "api/api.h"
#include "api/settings.h"
#include "base/day_hours.h"
#include "base/mem.h"
#include "io/crypto.h"
#include "proto/mail_address.h"
#include "store/alert.h"

#include "base/poison.h"

#define URL_BYTES_MAX 2000u
#define HTTPS "https://"

static void finish(struct api_call *c, enum status *st, struct err *e)
{
	if (*st == ST_OK)
		*st = store_commit(c->env->store, e);
	else
		store_rollback(c->env->store);
	if (*st != ST_OK)
		api_fail(c, *st, e);
}

static void put_recipient(
	struct json_writer *w, struct str channel, struct str target)
{
	json_open_object(w, NULL);
	json_put_str(w, "channel", channel);
	json_put_str(w, "target", target);
	json_close_object(w);
}

/* Those of moat.conf, by name. */
static void put_usual(struct api_call *c)
{
	const struct settings *set = c->env->settings;
	struct str hook = settings_str(set, "alert.webhook");
	size_t n;
	const struct str *to = settings_list(set, "alert.mail_to", &n);

	for (size_t i = 0; i < n; i++)
		put_recipient(&c->w, STR("mail"), to[i]);
	if (hook.n > 0)
		put_recipient(&c->w, STR("webhook"), hook);
}

void api_alert_recipient_list(struct api_call *c)
{
	struct store_recipient *rows;
	struct store_telling t;
	struct err e = {};
	size_t n;
	enum status st = store_telling_get(
		c->env->store, c->a, c->tenant, &t, &e);

	if (st == ST_OK)
		st = store_recipient_list(
			c->env->store, c->a, c->tenant, &rows, &n, &e);
	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	json_open_object(&c->w, NULL);
	json_put_str(&c->w, "tenant", c->tenant);
	json_put_bool(&c->w, "own", n > 0);
	json_open_array(&c->w, "recipients");
	for (size_t i = 0; i < n; i++)
		put_recipient(&c->w, rows[i].channel, rows[i].target);
	if (n == 0)
		put_usual(c);
	json_close_array(&c->w);
	json_close_object(&c->w);
}

static bool is_url(struct str s)
{
	if (!str_starts(s, STR(HTTPS)) || s.n > URL_BYTES_MAX ||
		s.n == sizeof(HTTPS) - 1)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' ||
			s.p[i] == '\\')
			return false;
	return true;
}

static bool check(struct api_call *c, const struct store_recipient *r)
{
	bool mail = str_eq(r->channel, STR("mail"));

	if (!mail && !str_eq(r->channel, STR("webhook")))
		api_problem(c, 422, "channel is neither mail nor webhook", NULL,
			"channel", NULL);
	else if (mail && !mail_address_is_plain(r->target))
		api_problem(c, 422, "that is no mail address", NULL, "target",
			"write it as ops@example.com");
	else if (!mail && !is_url(r->target))
		api_problem(c, 422, "that is no https URL", NULL, "target",
			"write it as https://host/path");
	else if (mail && settings_str(c->env->settings, "alert.smtp").n == 0)
		api_problem(c, 409, "no mail can be sent", NULL, NULL,
			"set alert.smtp and alert.mail_from in moat.conf");
	else if (!mail && c->env->hook_key == NULL)
		api_problem(c, 409, "no webhook could be signed", NULL, NULL,
			"set alert.webhook_key_file in moat.conf, to a file "
			"that server.user can read");
	else
		return true;
	return false;
}

static void put_key(struct api_call *c, const struct store_recipient *r)
{
	char key[CRYPTO_DERIVED_CAP];

	json_put_str(&c->w, "key", crypto_derive(c->env->hook_key, r->id, key));
	mem_wipe(key, sizeof(key));
}

void api_alert_recipient_add(struct api_call *c)
{
	struct store_recipient r = { .tenant = c->tenant,
		.channel = json_get_str(c->json, "channel"),
		.target = json_get_str(c->json, "target"),
		.id = store_new_id(c->a),
		.created = c->now };
	struct err e = {};
	enum status st;

	if (!check(c, &r))
		return;
	st = store_begin(c->env->store, &e);
	if (st == ST_OK)
		st = store_recipient_add(c->env->store, &r, &e);
	if (st == ST_OK)
		st = api_audit_tenant(
			c, STR("alert.recipient.add"), r.target, &e);
	finish(c, &st, &e);
	if (st != ST_OK)
		return;
	c->code = 201;
	json_open_object(&c->w, NULL);
	json_put_str(&c->w, "channel", r.channel);
	json_put_str(&c->w, "target", r.target);
	if (str_eq(r.channel, STR("webhook")))
		put_key(c, &r);
	json_close_object(&c->w);
}

void api_alert_recipient_remove(struct api_call *c)
{
	struct str target = api_query_text(c, "target");
	struct err e = {};
	enum status st = store_begin(c->env->store, &e);

	if (st == ST_OK)
		st = store_recipient_drop(c->env->store, c->tenant,
			api_query(c, "channel"), target, &e);
	if (st == ST_OK)
		st = api_audit_tenant(
			c, STR("alert.recipient.remove"), target, &e);
	if (st == ST_NOTFOUND) {
		store_rollback(c->env->store);
		api_problem(c, 404, e.text, NULL, NULL,
			"moat alert recipient list shows who is told");
		return;
	}
	finish(c, &st, &e);
	if (st == ST_OK)
		api_alert_recipient_list(c);
}

/* ---- when ----------------------------------------------------------------*/

static void answer(struct api_call *c, const struct store_telling *t)
{
	const struct settings *set = c->env->settings;
	bool usual = t->digest == STORE_DIGEST_USUAL;

	json_open_object(&c->w, NULL);
	json_put_str(&c->w, "tenant", t->tenant);
	json_put_z(&c->w, "digest", store_digest_name(t->digest));
	json_put_str(&c->w, "quiet", t->quiet.n > 0 ? t->quiet : STR("usual"));
	json_put_str(&c->w, "digest_now",
		usual ? settings_str(set, "alert.digest")
		      : str_of(store_digest_name(t->digest)));
	json_put_str(&c->w, "quiet_now",
		t->quiet.n > 0 ? t->quiet : settings_str(set, "alert.quiet"));
	json_close_object(&c->w);
}

void api_alert_options_show(struct api_call *c)
{
	struct store_telling t;
	struct err e = {};
	enum status st = store_telling_get(
		c->env->store, c->a, c->tenant, &t, &e);

	if (st == ST_OK)
		answer(c, &t);
	else
		api_fail(c, st, &e);
}

static bool read_options(struct api_call *c, struct store_telling *t)
{
	struct str digest = json_get_str(c->json, "digest");
	struct str quiet = json_get_str(c->json, "quiet");
	struct day_hours hours;

	if (json_get(c->json, "digest") != NULL &&
		store_digest_parse(digest, &t->digest) != ST_OK) {
		api_problem(c, 422, "that is no rhythm of digests", NULL,
			"digest", "never, daily, weekly, both or usual");
		return false;
	}
	if (json_get(c->json, "quiet") == NULL)
		return true;
	if (str_eq(quiet, STR("usual")))
		quiet = STR("");
	else if (!str_eq(quiet, STR("none")) &&
		 (quiet.n == 0 || day_hours_parse(quiet, &hours) != ST_OK)) {
		api_problem(c, 422, "these are no hours", NULL, "quiet",
			"write them in UTC as 22:00-06:00, or none or usual");
		return false;
	}
	t->quiet = quiet;
	return true;
}

void api_alert_options_set(struct api_call *c)
{
	struct store_telling t;
	struct err e = {};
	enum status st = store_begin(c->env->store, &e);

	if (st == ST_OK)
		st = store_telling_get(c->env->store, c->a, c->tenant, &t, &e);
	if (st == ST_OK && !read_options(c, &t)) {
		store_rollback(c->env->store);
		return;
	}
	if (st == ST_OK)
		st = store_telling_put(c->env->store, &t, &e);
	if (st == ST_OK)
		st = api_audit_tenant(c, STR("alert.options"),
			arena_fmt(c->a, "digest: %s, quiet: %.*s",
				store_digest_name(t.digest),
				STR_ARG(t.quiet.n > 0 ? t.quiet
						      : STR("usual"))),
			&e);
	finish(c, &st, &e);
	if (st == ST_OK)
		answer(c, &t);
}
