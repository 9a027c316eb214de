/* SPDX-License-Identifier: Apache-2.0 */
/* role_notify: alerts by what reports say, and mail and webhooks that tell of
 * them; see alert/alert_watch, alert_digest and alert_send. */
#include "alert/alert_digest.h"
#include "alert/alert_send.h"
#include "alert/alert_watch.h"
#include "api/settings.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/role.h"
#include "daemon/roles.h"
#include "io/addr.h"
#include "io/crypto.h"
#include "intake/reverse_names.h"
#include "io/http_client.h"
#include "proto/mail_address.h"
#include "store/store.h"

#include "base/poison.h"

#define AGENT "moat/" MOAT_VERSION

#define LOOK_MS 2000
#define TROUBLE_MS 10000	 /* after the database failed */
#define SEND_MS 30000		 /* for one message */
#define REPLY_BYTES_MAX 65536u	 /* of a webhook's answer */
#define KEEP_S (400 * UTC_DAY_S) /* closed alerts */

struct state {
	struct arena *arena; /* of addresses and paths */
	struct store *store;
	struct alert_watch watch;
	struct alert_digest digest;
	struct alert_send send;
	bool with_names; /* of sending servers */
	struct reverse_names names;
	struct http_client *http, *tenant_http;
	struct crypto_secret *password, *hook_key;
};

static void notify_close(void **statep)
{
	struct state *s = *statep;

	if (s == NULL)
		return;
	http_client_free(&s->http);
	http_client_free(&s->tenant_http);
	crypto_secret_free(&s->password);
	crypto_secret_free(&s->hook_key);
	store_close(&s->store);
	arena_free(&s->arena);
	mem_free(s);
	*statep = NULL;
}

static bool stop_asked(void *ctx)
{
	return role_stopping(ctx);
}

static enum status set_mail(
	struct state *s, struct role_env *env, struct err *e)
{
	const struct settings *set = env->settings;
	struct alert_mail *m = &s->send.o.mail;
	const char *password = settings_z(set, "alert.smtp_password_file");

	m->from = settings_str(set, "alert.mail_from");
	m->to = settings_list(set, "alert.mail_to", &m->n_to);
	if (m->n_to == 0 && settings_z(set, "alert.smtp") == NULL)
		return ST_OK;
	if (settings_z(set, "alert.smtp") == NULL)
		return err_set(e, ST_INVALID, "alert.mail_to needs alert.smtp");
	if (!mail_address_is_plain(m->from))
		return err_set(e, ST_INVALID,
			"alert.mail_from must be one mail address");
	if (m->n_to > STORE_RECIPIENTS_MAX)
		return err_set(e, ST_INVALID,
			"alert.mail_to has more than %d addresses",
			STORE_RECIPIENTS_MAX);
	for (size_t i = 0; i < m->n_to; i++)
		if (!mail_address_is_plain(m->to[i]))
			return err_set(e, ST_INVALID,
				"alert.mail_to: \"%s\" is no mail address",
				m->to[i].p);
	s->send.o.smtp = (struct mail_client_options){
		.url = settings_z(set, "alert.smtp"),
		.ca_file = settings_z(set, "alert.ca_file"),
		.user = settings_z(set, "alert.smtp_user"),
		.timeout_ms = SEND_MS,
		.stop = stop_asked,
		.stop_ctx = env,
	};
	s->watch.o.tell.mail = m->n_to > 0;
	if (s->send.o.smtp.user == NULL)
		return ST_OK;
	if (password == NULL)
		return err_set(e, ST_INVALID,
			"alert.smtp_user needs alert.smtp_password_file");
	return crypto_secret_open_text(password, &s->password, e);
}

static struct http_client *http_of(struct role_env *env, bool allow_private)
{
	struct http_client_options o = {
		.ca_file = settings_z(env->settings, "alert.ca_file"),
		.user_agent = AGENT,
		.timeout_ms = SEND_MS,
		.max_bytes = REPLY_BYTES_MAX,
		.allow_addr = allow_private ? NULL : addr_is_public,
		.stop = stop_asked,
		.stop_ctx = env,
	};

	return http_client_new(&o);
}

static enum status set_webhook(
	struct state *s, struct role_env *env, struct err *e)
{
	const struct settings *set = env->settings;
	const char *key = settings_z(set, "alert.webhook_key_file");

	/* Two, so that a connection kept open by one is not the other's.
	 * Tenants may have webhooks where moat.conf has none. */
	s->http = s->send.o.http = http_of(
		env, settings_bool(set, "alert.allow_private"));
	s->tenant_http = s->send.o.tenant_http = http_of(
		env, settings_bool(set, "alert.tenant_allow_private"));
	s->send.o.hook_url = settings_z(set, "alert.webhook");
	s->watch.o.tell.webhook = s->send.o.hook_url != NULL;
	if (key == NULL)
		return s->send.o.hook_url == NULL
			       ? ST_OK
			       : err_set(e, ST_INVALID,
					 "alert.webhook needs "
					 "alert.webhook_key_file");
	return crypto_secret_open_text(key, &s->hook_key, e);
}

static enum status set_rules(
	struct state *s, const struct settings *set, struct err *e)
{
	struct alert_watch_options *o = &s->watch.o;

	o->rules.share = settings_int(set, "alert.share");
	o->rules.share_sessions = settings_int(set, "alert.share_sessions");
	o->rules.silent_s = settings_int(set, "alert.silent");
	o->window_s = settings_int(set, "alert.window");
	o->cooldown_s = settings_int(set, "alert.cooldown");
	o->unproven = settings_bool(set, "alert.unproven");
	o->keep_s = KEEP_S;
	(void)store_digest_parse(
		settings_str(set, "alert.digest"), &s->digest.usual);
	s->digest.empty = settings_bool(set, "alert.digest_empty");
	s->send.o.per_hour = settings_int(set, "alert.per_hour");
	if (day_hours_parse(settings_str(set, "alert.quiet"), &o->tell.quiet) !=
		ST_OK)
		return err_set(e, ST_INVALID,
			"alert.quiet must be HH:MM-HH:MM, such as "
			"22:00-06:00");
	return ST_OK;
}

static enum status notify_open(
	struct role_env *env, void **statep, struct err *e)
{
	const struct settings *set = env->settings;
	struct state *s = mem_must(sizeof(*s));
	enum status st;

	*statep = s;
	s->arena = arena_must(0);
	st = set_rules(s, set, e);
	if (st == ST_OK)
		st = set_mail(s, env, e);
	if (st == ST_OK)
		st = set_webhook(s, env, e);
	if (st == ST_OK)
		st = store_open(
			settings_state_path(set, s->arena, SETTINGS_DATABASE).p,
			&s->store, e);
	role_allow_read(env, settings_z(set, "alert.ca_file"));
	s->send.o.smtp.password = s->password;
	s->send.o.hook_key = s->hook_key;
	s->watch.store = s->digest.store = s->send.store = s->store;
	s->watch.clock = s->digest.clock = s->send.clock = clock_system();
	s->digest.tell = s->watch.o.tell;
	s->with_names = settings_bool(set, "report.reverse_names");
	s->names = (struct reverse_names){ .store = s->store,
		.probe = { .timeout_ms = REVERSE_NAMES_TIMEOUT_MS,
			.stop_fd = role_stop_fd(env) },
		.clock = clock_system(),
		.stop = stop_asked,
		.stop_ctx = env };
	s->names.probe.path =
		settings_run_path(set, s->arena, SETTINGS_PROBE_SOCKET).p;
	s->send.stop = stop_asked;
	s->send.stop_ctx = env;
	return st;
}

/* Did the step go well? It says so if not. */
static bool is_ok(enum status st, const struct err *why)
{
	if (st != ST_OK)
		LOG(LOG_ERROR, "notify.held_up", KV_Z("reason", why->text));
	return st == ST_OK;
}

/* One that fails holds up none of the others: what is due is sent. */
static bool step_all(struct state *s)
{
	struct err e = {};
	bool ok = is_ok(alert_watch_step(&s->watch, &e), &e);

	ok &= is_ok(alert_digest_step(&s->digest, &e), &e);
	ok &= is_ok(alert_send_step(&s->send, &e), &e);
	if (s->with_names)
		ok &= is_ok(reverse_names_step(&s->names, &e), &e);
	return ok;
}

static enum status notify_start(
	struct role_env *env, void *state, struct err *e)
{
	struct state *s = state;
	int wait_ms = 0;

	(void)e;
	while (!role_wait(env, wait_ms))
		wait_ms = step_all(s) ? LOOK_MS : TROUBLE_MS;
	return ST_OK;
}

const struct role role_notify = {
	.name = "notify",
	.sandbox = SANDBOX_NET_OUT | SANDBOX_READ | SANDBOX_WRITE,
	.open = notify_open,
	.start = notify_start,
	.close = notify_close,
};
