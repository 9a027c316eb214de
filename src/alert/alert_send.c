/* SPDX-License-Identifier: Apache-2.0 */
/* alert_send: the notices that are due, over mail and webhook. */
#include "alert/alert_send.h"

#include "alert/alert_hook.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sbuf.h"
#include "io/crypto.h"
#include "io/http_client.h"

#include "base/poison.h"

#define HOUR_S 3600
#define PUT_OFF_MAX_S HOUR_S
#define REPLY_SHOWN 200u

int64_t alert_send_wait_s(int64_t attempts)
{
	static const int64_t waits[] = { 60, 300, 900, 3600, 14400 };
	size_t n = sizeof(waits) / sizeof(waits[0]);

	return waits[attempts <= 0	    ? 0
		     : (size_t)attempts > n ? n - 1
					    : (size_t)attempts - 1];
}

/* A trial is tried once and waits for nothing. */
static bool is_trial(const struct store_notice *n)
{
	return str_eq(n->event, STR("test"));
}

static enum status write_mail(struct alert_send *s, struct arena *a,
	const struct alert_mail *m, const struct store_notice *n,
	const struct store_alert *al, int64_t now, struct str *out,
	struct err *e)
{
	struct tlsrpt_digest d;
	enum status st;

	if (al != NULL || is_trial(n)) {
		*out = alert_mail_write(a, m, n, al, now);
		return ST_OK;
	}
	st = store_digest_get(s->store, a, n->tenant,
		str_eq(n->event, STR("weekly")), n->day, &d, e);
	if (st == ST_OK)
		*out = alert_mail_digest(a, m, n, &d, now);
	return st;
}

static enum status by_mail(struct alert_send *s, struct arena *a,
	const struct store_notice *n, const struct store_alert *al, int64_t now,
	struct err *e)
{
	const char *to[STORE_RECIPIENTS_MAX + 1] = {};
	struct alert_mail m = s->o.mail;
	struct str message;
	enum status st;

	if (n->target.n > 0) {
		m.to = &n->target;
		m.n_to = 1;
	}
	if (m.n_to == 0 || s->o.smtp.url == NULL)
		return err_set(e, ST_INVALID,
			"alert.mail_to or alert.smtp is not set");
	for (size_t i = 0; i < m.n_to && i < STORE_RECIPIENTS_MAX; i++)
		to[i] = m.to[i].p;
	st = write_mail(s, a, &m, n, al, now, &message, e);
	if (st != ST_OK)
		return st;
	return mail_client_send(&s->o.smtp, m.from.p, to, message, e);
}

/* The receiver's own words are shown: they tell what it did not like. */
static enum status refused(const struct http_response *r, struct err *e)
{
	char shown[4 * REPLY_SHOWN + 4];
	struct sbuf b = sbuf_fixed(shown, sizeof(shown));

	sbuf_escaped(&b, str_upto(r->body, REPLY_SHOWN));
	return err_set(e, ST_TEMP, "the webhook answered %d: %.*s", r->status,
		STR_ARG(sbuf_str(&b)));
}

/* "Moat-Signature: ...", with the key of the recipient. */
static enum status sign(struct alert_send *s, struct arena *a,
	const struct store_notice *n, struct str body, int64_t now,
	struct str *out, struct err *e)
{
	char own[CRYPTO_DERIVED_CAP];
	struct str key = crypto_secret_bytes(s->o.hook_key);
	struct store_recipient r;
	enum status st;

	if (n->target.n > 0) {
		st = store_recipient_get(
			s->store, a, n->tenant, n->channel, n->target, &r, e);
		if (st != ST_OK)
			return st;
		key = crypto_derive(s->o.hook_key, r.id, own);
	}
	*out = alert_hook_signature(a, key, body, now);
	mem_wipe(own, sizeof(own));
	return ST_OK;
}

static enum status by_webhook(struct alert_send *s, struct arena *a,
	const struct store_notice *n, const struct store_alert *al, int64_t now,
	struct err *e)
{
	struct str body = alert_hook_body(a, n, al), signature;
	const char *headers[4] = { "Content-Type: application/json" };
	struct http_request req = {
		.method = "POST",
		.url = n->target.n > 0 ? n->target.p : s->o.hook_url,
		.headers = headers,
		.body = body,
		.status_only = true,
	};
	struct http_client *http = n->target.n > 0 ? s->o.tenant_http
						   : s->o.http;
	struct http_response res;
	enum status st;

	if (req.url == NULL || s->o.hook_key == NULL)
		return err_set(e, ST_INVALID,
			"alert.webhook or alert.webhook_key_file is not set");
	st = sign(s, a, n, body, now, &signature, e);
	if (st != ST_OK)
		return st;
	headers[1] = arena_fmt(a, "Moat-Notice: %.*s", STR_ARG(n->id)).p;
	BUG(headers[1] == NULL);
	headers[2] = signature.p;
	st = http_client_do(http, a, &req, &res, e);
	if (st == ST_OK && (res.status < 200 || res.status > 299))
		st = refused(&res, e);
	return st;
}

/* Notes how it went: sent, tried again later, or given up. */
static enum status note(struct alert_send *s, struct store_notice *n,
	enum status went, const struct err *why, struct err *e)
{
	int64_t now = clock_now(s->clock).s;
	enum status st;

	n->attempts++;
	n->error = went == ST_OK ? STR("") : str_of(why->text);
	if (went == ST_OK)
		n->state = STORE_NOTICE_SENT;
	else if (is_trial(n) || n->attempts >= ALERT_ATTEMPTS_MAX)
		n->state = STORE_NOTICE_FAILED;
	if (n->state == STORE_NOTICE_WAITING)
		n->next_at = now + alert_send_wait_s(n->attempts);
	else
		n->done = now;
	st = store_notice_put(s->store, n, e);
	/* It was taken back meanwhile: nobody wants to know. */
	if (st == ST_NOTFOUND)
		st = ST_OK;
	LOG(went == ST_OK ? LOG_INFO : LOG_WARN,
		went == ST_OK ? "alert.sent" : "alert.not_sent",
		KV_STR("notice", n->id), KV_STR("channel", n->channel),
		KV_STR("event", n->event), KV_STR("reason", n->error));
	return st;
}

/* Trials and digests do not wait, and do not count. */
static enum status is_too_many(
	struct alert_send *s, struct store_notice *n, bool *wait, struct err *e)
{
	int64_t now = clock_now(s->clock).s, sent = 0, first = 0;
	enum status st;

	*wait = false;
	if (n->alert.n == 0)
		return ST_OK;
	st = store_notice_sent(s->store, n, now - HOUR_S, &sent, &first, e);
	if (st != ST_OK || sent < s->o.per_hour)
		return st;
	*wait = true;
	n->next_at = first + HOUR_S + 1;
	n->error = STR("waits: as many as alert.per_hour allows went out");
	return store_notice_put(s->store, n, e);
}

/*
 * Whom a recipient keeps waiting for long are all the others: the rest of what
 * it is to be told waits with what it did not take.
 */
static enum status put_off(struct alert_send *s, const struct store_notice *n,
	int64_t begun, bool *slow, struct err *e)
{
	int64_t now = clock_now(s->clock).s;
	int64_t wait_s = alert_send_wait_s(n->attempts);

	*slow = now - begun >= ALERT_SLOW_S;
	if (!*slow)
		return ST_OK;
	if (wait_s > PUT_OFF_MAX_S)
		wait_s = PUT_OFF_MAX_S;
	return store_notice_put_off(s->store, n, now + wait_s, e);
}

static enum status send_one(
	struct alert_send *s, struct store_notice *n, bool *slow, struct err *e)
{
	struct arena *a = arena_must(0);
	int64_t now = clock_now(s->clock).s;
	struct store_alert al, *about = NULL;
	enum status st, went = ST_OK;
	struct err why = {};
	bool wait = false;

	st = is_too_many(s, n, &wait, e);
	if (st != ST_OK || wait)
		goto out;
	if (n->alert.n > 0) {
		about = &al;
		went = store_alert_get(
			s->store, a, n->tenant, n->alert, &al, &why);
	}
	if (went == ST_TEMP) { /* the database is away, for all of them */
		st = err_set(e, went, "%s", why.text);
		goto out;
	}
	if (went == ST_OK)
		went = str_eq(n->channel, STR("mail"))
			       ? by_mail(s, a, n, about, now, &why)
			       : by_webhook(s, a, n, about, now, &why);
	st = note(s, n, went, &why, e);
	if (st == ST_OK && went != ST_OK)
		st = put_off(s, n, now, slow, e);
out:
	arena_free(&a);
	return st;
}

enum status alert_send_step(struct alert_send *s, struct err *e)
{
	struct arena *a = arena_must(0);
	struct store_notice *due = NULL;
	bool slow = false;
	size_t n = 0;
	enum status st = store_notice_due(s->store, a, clock_now(s->clock).s,
		ALERT_SEND_BATCH, &due, &n, e);

	/* What is due is another list then. */
	for (size_t i = 0;
		st == ST_OK && i < n && !slow && !s->stop(s->stop_ctx); i++)
		st = send_one(s, &due[i], &slow, e);
	arena_free(&a);
	return st;
}
