/* SPDX-License-Identifier: Apache-2.0 */
/* lmtp_mail: one message: who may have it, its bytes, and the disk thread. */
#include <string.h>

#include "intake/lmtp_own.h"

#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/idn.h"
#include "io/spool_writer.h"

#include "base/poison.h"

#define BODY_FIRST_BYTES 16384u
#define NULL_SENDER "<>"

static struct str id_of(const struct lmtp_recipient *r)
{
	return (struct str){ r->id, r->n_id };
}

static struct mono now(const struct lmtp_server *s)
{
	return loop_now(s->parts.loop);
}

/* ---- source and quotas ---- */

/* Who counts as the source of the mail: its client's network. */
static void set_source(struct lmtp_session *c)
{
	struct str text = { c->lmtp.client, c->lmtp.n_client }, key;
	const struct str mark = STR("IPV6:");
	struct addr a;

	c->n_source = 0;
	if (str_eq_nocase(str_upto(text, mark.n), mark))
		text = str_from(text, mark.n);
	if (text.n == 0 || addr_parse(text, 1, &a) != ST_OK)
		return;
	key = addr_client(&a);
	BUG(key.n > sizeof(c->source));
	memcpy(c->source, key.p, key.n);
	c->n_source = key.n;
}

static struct str source_of(const struct lmtp_session *c)
{
	return (struct str){ c->source, c->n_source };
}

/* What was announced and did not come does not count. */
static void settle(struct lmtp_session *c, uint64_t came)
{
	for (size_t i = 0; i < c->n_recipients; i++) {
		struct lmtp_recipient *r = &c->recipients[i];

		if (r->charged > came)
			spool_quota_give_back(c->server->quota, now(c->server),
				id_of(r), source_of(c), r->charged - came);
		r->charged = 0;
	}
}

static void body_free(struct lmtp_session *c)
{
	c->server->body_bytes -= c->body.cap;
	mem_free(c->body.p);
	c->body = (struct lmtp_body){};
}

/* Of a message that was stored, refused, or will not come. */
void lmtp_mail_forget(struct lmtp_session *c)
{
	settle(c, 0);
	for (size_t i = 0; i < c->n_recipients; i++)
		spool_job_cancel(&c->recipients[i].job);
	c->n_recipients = 0;
	c->waiting = 0;
	body_free(c);
}

/* ---- recipients ---- */

static struct str without_extension(struct str local)
{
	ptrdiff_t plus = str_index(local, '+');

	return plus > 0 ? str_upto(local, (size_t)plus) : local;
}

static void set_id(struct lmtp_recipient *r, const char *mark, struct str id)
{
	struct sbuf b = sbuf_fixed(r->id, sizeof(r->id));

	sbuf_addz(&b, mark);
	for (size_t i = 0; i < id.n; i++)
		sbuf_addc(&b, chr_lower(id.p[i]));
	BUG(!sbuf_ok(&b));
	r->n_id = b.n;
}

static enum status find_id(
	struct lmtp_server *s, struct lmtp_recipient *r, struct str local)
{
	struct arena *a;
	struct view_label label;
	enum status st;

	if (local.n > sizeof(r->id))
		return ST_NOTFOUND;
	a = arena_must(0);
	st = view_label_get(s->parts.view, a, local, &label);
	arena_free(&a);
	if (st == ST_OK)
		set_id(r, "", local);
	return st;
}

/* ST_NOTFOUND: nobody has the address; else only ST_TEMP. */
static enum status find_at(struct lmtp_server *s, struct str local,
	struct str domain, struct lmtp_recipient *r)
{
	static const char mark[] = { LMTP_TENANT_MARK, '\0' };
	enum status st;

	for (size_t i = 0; i < s->options.n_mailboxes; i++) {
		const struct lmtp_mailbox *m = &s->options.mailboxes[i];

		if (!str_eq_nocase(local, m->local) ||
			!str_eq_nocase(domain, m->domain))
			continue;
		set_id(r, mark, m->tenant);
		return ST_OK;
	}
	if (domain.n == 0 || !str_eq_nocase(domain, str_of(s->options.host)))
		return ST_NOTFOUND;
	st = find_id(s, r, local);
	return st == ST_OK || st == ST_NOTFOUND ? st : ST_TEMP;
}

/* Settings have A-labels; a recipient may have U-labels (RFC 6531). */
static enum status find(struct lmtp_server *s, const struct lmtp_path *p,
	struct lmtp_recipient *r)
{
	struct str local = without_extension(
		(struct str){ p->local, p->n_local });
	struct str domain = { p->domain, p->n_domain };
	struct arena *a;
	enum status st;

	if (!p->utf8)
		return find_at(s, local, domain, r);
	a = arena_must(0);
	st = idn_to_ascii(a, domain, &domain);
	st = st == ST_OK ? find_at(s, local, domain, r) : ST_NOTFOUND;
	arena_free(&a);
	return st;
}

static bool quota_take(struct lmtp_session *c, struct lmtp_recipient *r)
{
	struct lmtp_server *s = c->server;
	enum spool_quota_kind which;
	int64_t retry_s;

	r->charged = c->lmtp.announced > 0 ? c->lmtp.announced
					   : s->options.report_bytes;
	if (spool_quota_take(s->quota, now(s), id_of(r), source_of(c),
		    r->charged, &which, &retry_s) == ST_OK)
		return true;
	LOG(LOG_WARN, "report.quota", KV_STR("id", id_of(r)),
		KV_STR("client",
			((struct str){ c->lmtp.client, c->lmtp.n_client })),
		KV_Z("whose", spool_quota_kind_name(which)));
	return false;
}

void lmtp_mail_recipient(struct lmtp_session *c)
{
	struct lmtp *l = &c->lmtp;
	struct lmtp_recipient *r;
	enum status st;

	if (l->n_recipients == 0) {
		lmtp_mail_forget(c); /* of a transaction that was given up */
		set_source(c);
	}
	r = &c->recipients[c->n_recipients];
	*r = (struct lmtp_recipient){ .session = c };
	st = find(c->server, &l->recipient, r);
	if (st == ST_NOTFOUND) {
		LOG(LOG_INFO, "lmtp.unknown_recipient",
			KV_STR("local", ((struct str){ l->recipient.local,
						l->recipient.n_local })),
			KV_STR("domain", ((struct str){ l->recipient.domain,
						 l->recipient.n_domain })));
		lmtp_answer(l, 550, "5.1.1 nobody takes reports there");
	} else if (st != ST_OK) {
		lmtp_answer(l, 451, "4.3.0 the view cannot be read just now");
	} else if (!quota_take(c, r)) {
		lmtp_answer(l, 452, "4.2.2 enough reports for this hour");
	} else {
		c->n_recipients++;
		lmtp_answer(l, 250, "2.1.5 OK");
	}
}

/* ---- content ---- */

void lmtp_mail_message(struct lmtp_session *c)
{
	struct lmtp_server *s = c->server;

	if (s->body_bytes >= s->options.memory_bytes)
		lmtp_answer(&c->lmtp, 452, "4.3.1 too many at once");
	else
		lmtp_answer(&c->lmtp, 354, "end with CR LF . CR LF");
}

/* Grows with what really came, not with what was announced. */
void lmtp_mail_content(struct lmtp_session *c, struct str piece)
{
	struct lmtp_server *s = c->server;
	struct lmtp_body *b = &c->body;
	size_t cap = b->cap == 0 ? BODY_FIRST_BYTES : b->cap;

	if (b->no_memory)
		return;
	while (cap < b->n + piece.n)
		cap *= 2;
	if (s->body_bytes + (cap - b->cap) > s->options.memory_bytes) {
		body_free(c);
		c->body.no_memory = true;
		return;
	}
	if (cap > b->cap) {
		b->p = mem_grow(b->p, cap);
		BUG(b->p == NULL);
		s->body_bytes += cap - b->cap;
		b->cap = cap;
	}
	memcpy(b->p + b->n, piece.p, piece.n);
	b->n += piece.n;
}

/* ---- the end of a message ---- */

static void answer_all(struct lmtp_session *c)
{
	for (size_t i = 0; i < c->n_recipients; i++)
		lmtp_answer(
			&c->lmtp, c->recipients[i].code, c->recipients[i].text);
	lmtp_mail_forget(c);
}

static void judge_all(struct lmtp_session *c, int code, const char *text)
{
	for (size_t i = 0; i < c->n_recipients; i++) {
		c->recipients[i].code = code;
		c->recipients[i].text = text;
	}
	answer_all(c);
}

static void judge(
	struct lmtp_recipient *r, enum status st, enum spool_limit which)
{
	if (st == ST_OK) {
		r->code = 250;
		r->text = "2.0.0 the report is taken";
	} else if (which == SPOOL_LIMIT_FILE) {
		r->code = 552;
		r->text = "5.3.4 the message is too big";
	} else if (st == ST_LIMIT) {
		r->code = 452;
		r->text = "4.3.1 no room for reports just now";
	} else {
		r->code = 451;
		r->text = "4.3.0 the disk failed";
	}
}

static void on_stored(
	void *ctx, enum status st, enum spool_limit which, const char *why)
{
	struct lmtp_recipient *r = ctx;
	struct lmtp_session *c = r->session;

	r->job = NULL;
	if (st == ST_OK)
		LOG(LOG_INFO, "report.taken", KV_STR("id", id_of(r)));
	else
		LOG(LOG_WARN, "report.refused", KV_STR("id", id_of(r)),
			KV_Z("limit", spool_limit_name(which)),
			KV_Z("reason", why));
	judge(r, st, which);
	if (--c->waiting > 0)
		return;
	answer_all(c);
	lmtp_session_run(c);
}

/* Who the report is from, as the list of unreadable ones shows it. */
static struct str remote_write(
	const struct lmtp_session *c, char room[SPOOL_REMOTE_MAX])
{
	const struct lmtp_path *p = &c->lmtp.sender;
	struct sbuf b = sbuf_fixed(room, SPOOL_REMOTE_MAX);

	if (p->n_local == 0)
		return STR(NULL_SENDER);
	sbuf_fmt(&b, "%.*s@%.*s", (int)p->n_local, p->local, (int)p->n_domain,
		p->domain);
	if (!sbuf_ok(&b))
		return str_upto((struct str){ p->domain, p->n_domain },
			SPOOL_REMOTE_MAX);
	return sbuf_str(&b);
}

/* A copy of his own for the disk thread to keep. */
static void store_for(struct lmtp_session *c, size_t i)
{
	struct lmtp_server *s = c->server;
	struct lmtp_recipient *r = &c->recipients[i];
	char room[SPOOL_REMOTE_MAX];
	struct spool_meta meta = {
		.source = SPOOL_MAIL,
		.id = id_of(r),
		.received = clock_now(s->parts.clock),
		.remote = remote_write(c, room),
		.content_type = STR("message/rfc822"),
	};
	size_t n = c->body.n;
	char *copy = mem_must(n);

	memcpy(copy, c->body.p, n);
	if (spool_writer_start(s->writer, &meta, copy, n, on_stored, r,
		    &r->job) == ST_OK) {
		c->waiting++;
		return;
	}
	mem_free(copy);
	judge(r, ST_LIMIT, SPOOL_LIMIT_NONE);
}

/* true: answered; false: the disk thread will call. */
bool lmtp_mail_end(struct lmtp_session *c)
{
	settle(c, c->body.n);
	if (c->lmtp.too_big)
		judge_all(c, 552, "5.3.4 the message is too big");
	else if (c->body.no_memory)
		judge_all(c, 452, "4.3.1 too many at once");
	else if (c->body.n == 0)
		judge_all(c, 554, "5.6.0 there is nothing in it");
	else {
		for (size_t i = 0; i < c->n_recipients; i++)
			store_for(c, i);
		body_free(c);
		if (c->waiting > 0)
			return false;
		answer_all(c);
	}
	return true;
}
