/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox_pull: list, then batch by batch: fetch, store, note, move. */
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/log.h"
#include "intake/mailbox_pull.h"

#include "base/poison.h"

#define BATCH_MAILS 20u
#define BATCH_BYTES ((uint64_t)16 << 20)
#define SET_BYTES_MAX 65536u
#define COMMAND_BYTES_MAX (2 * SET_BYTES_MAX)
#define SMALL ((size_t)64 << 10) /* of a response without a mail */

struct item {
	uint32_t uid;
	uint64_t size;
	struct unix_time received;
};

struct pull {
	const struct mailbox_parts *parts;
	const struct mailbox_options *o;
	struct arena *a; /* of the pull */
	struct imap_client *client;
	struct store_mailbox *row;
	struct mailbox_pulled *out;
	struct mono until; /* another batch may begin */
	uint32_t validity, exists;
	struct item items[MAILBOX_MAILS_MAX]; /* to be taken */
	size_t n;
	/* Of the batch. */
	uint32_t stored[BATCH_MAILS];
	size_t n_stored;
	enum status st; /* of the spool or the store */
	struct err why;
};

/* ---- commands */

/* fmt's one %.*s is a set; name is quoted behind it, if it is not empty. */
static enum status command(struct pull *p, const char *before, struct str set,
	const char *behind, struct str name, struct err *e)
{
	struct arena *a = arena_must(0);
	struct sbuf b = sbuf_arena(a, COMMAND_BYTES_MAX);
	enum status st = ST_OK;

	sbuf_addz(&b, before);
	sbuf_add(&b, set);
	sbuf_addz(&b, behind);
	if (name.n > 0)
		st = imap_quote(&b, name);
	if (st != ST_OK || !sbuf_ok(&b))
		st = err_set(e, ST_PERM, "no name of a folder: %.*s",
			STR_ARG(str_upto(name, 80)));
	else
		st = imap_client_do(
			p->client, sbuf_str(&b), SMALL, NULL, NULL, e);
	arena_free(&a);
	return st;
}

static enum status on_select(
	void *ctx, const struct imap_response *r, struct err *e)
{
	struct pull *p = ctx;
	uint32_t n = imap_code_number(r->code, STR("UIDVALIDITY"));

	(void)e;
	if (r->kind == IMAP_EXISTS)
		p->exists = r->number;
	else if (r->kind == IMAP_STATUS && n > 0)
		p->validity = n;
	return ST_OK;
}

/* verb: SELECT, or EXAMINE, which changes nothing. */
static enum status open_folder(struct pull *p, const char *verb, struct err *e)
{
	struct sbuf b = sbuf_arena(p->a, COMMAND_BYTES_MAX);
	enum status st;

	sbuf_fmt(&b, "%s ", verb);
	if (imap_quote(&b, p->o->folder) != ST_OK || !sbuf_ok(&b))
		return err_set(e, ST_PERM, "no name of a folder: %.*s",
			STR_ARG(str_upto(p->o->folder, 80)));
	st = imap_client_do(p->client, sbuf_str(&b), SMALL, on_select, p, e);
	if (st == ST_PERM)
		err_prefix(e, "%.*s", STR_ARG(str_upto(p->o->folder, 80)));
	return st;
}

/* ---- out of the folder */

/* Into the folder of processed mails, which is made if it has to be. */
static enum status send_there(
	struct pull *p, const char *verb, struct str set, struct err *e)
{
	const struct mailbox_options *o = p->o;
	enum status st = command(p, verb, set, " ", o->processed, e);

	if (st != ST_PERM)
		return st;
	st = command(p, "CREATE ", STR(""), "", o->processed, e);
	if (st == ST_PERM)
		err_prefix(e, "%.*s cannot be made",
			STR_ARG(str_upto(o->processed, 80)));
	return st == ST_OK ? command(p, verb, set, " ", o->processed, e) : st;
}

/*
 * Without UIDPLUS (RFC 4315) a server deletes only all that is marked,
 * whoever marked it: then ours stay, marked.
 */
static enum status delete_mails(struct pull *p, struct str set, struct err *e)
{
	enum status st = command(
		p, "UID STORE ", set, " +FLAGS.SILENT (\\Deleted)", STR(""), e);

	if (st == ST_OK && imap_client_can(p->client, STR("UIDPLUS")))
		st = command(p, "UID EXPUNGE ", set, "", STR(""), e);
	return st;
}

static enum status move(struct pull *p, struct str set, struct err *e)
{
	enum status st;

	if (p->o->remove)
		return delete_mails(p, set, e);
	if (imap_client_can(p->client, STR("MOVE")))
		return send_there(p, "UID MOVE ", set, e);
	st = send_there(p, "UID COPY ", set, e);
	return st == ST_OK ? delete_mails(p, set, e) : st;
}

static enum status note(struct pull *p, struct str pending, struct err *e)
{
	p->row->uidvalidity = p->validity;
	p->row->pending = pending;
	return store_mailbox_put(p->parts->store, p->row, e);
}

/* What an earlier pull has stored and could not move any more. */
static enum status move_pending(struct pull *p, struct err *e)
{
	struct str pending = p->row->pending;
	enum status st = ST_OK;

	if (pending.n == 0)
		return ST_OK;
	if (p->validity != 0 && p->row->uidvalidity == p->validity &&
		imap_is_set(pending))
		st = move(p, pending, e);
	return st == ST_OK ? note(p, STR(""), e) : st;
}

/* ---- the list */

static enum status on_listed(
	void *ctx, const struct imap_response *r, struct err *e)
{
	struct pull *p = ctx;
	const struct imap_mail *m = &r->mail;

	(void)e;
	if (r->kind != IMAP_FETCH || m->uid == 0 || m->size == 0 || m->deleted)
		return ST_OK;
	if (m->size > p->o->max_bytes) {
		p->out->left++;
		if (m->uid > p->out->left_uid)
			p->out->left_uid = m->uid;
	} else if (p->n == MAILBOX_MAILS_MAX) {
		p->out->more = true;
	} else {
		p->items[p->n++] = (struct item){ m->uid, m->size,
			m->received };
	}
	return ST_OK;
}

static int by_uid(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

static enum status list(struct pull *p, struct err *e)
{
	enum status st;

	if (p->exists == 0)
		return ST_OK;
	st = imap_client_do(p->client,
		STR("UID FETCH 1:* (UID RFC822.SIZE FLAGS INTERNALDATE)"),
		SMALL, on_listed, p, e);
	qsort(p->items, p->n, sizeof(p->items[0]), by_uid);
	return st;
}

/* ---- a batch */

static const struct item *find_item(const struct pull *p, uint32_t uid)
{
	struct item key = { .uid = uid };

	return bsearch(&key, p->items, p->n, sizeof(key), by_uid);
}

static bool is_stored(const struct pull *p, uint32_t uid)
{
	for (size_t i = 0; i < p->n_stored; i++)
		if (p->stored[i] == uid)
			return true;
	return false;
}

/* The time at which the mail server took it, if it says one that was. */
static struct unix_time received_of(
	const struct pull *p, const struct item *item)
{
	struct unix_time now = clock_now(p->parts->clock);

	return item->received.s > 0 && item->received.s < now.s ? item->received
								: now;
}

static enum status store_mail(struct pull *p, const struct item *item,
	struct str body, enum spool_limit *which, struct err *e)
{
	struct arena *a = arena_must(0);
	struct spool_meta meta = {
		.source = SPOOL_MAIL,
		.received = received_of(p, item),
		.remote = mail_recipient_sender(body),
		.content_type = STR("message/rfc822"),
	};
	enum status st = mail_recipient_find(
		p->parts->store, a, &p->o->recipient, body, &meta.id, e);

	if (st == ST_OK)
		st = spool_stage(p->parts->spool, &meta, body, NULL, which, e);
	if (st == ST_OK)
		LOG(LOG_INFO, "report.taken", KV_STR("id", meta.id),
			KV_STR("mailbox", p->o->name),
			KV_INT("uid", item->uid));
	arena_free(&a);
	return st;
}

/*
 * One fetched mail. Whatever fails here must not end the session: what is
 * stored already has still to be moved.
 */
static enum status on_mail(
	void *ctx, const struct imap_response *r, struct err *e)
{
	enum spool_limit which = SPOOL_LIMIT_NONE;
	const struct item *item;
	struct pull *p = ctx;

	(void)e;
	if (r->kind != IMAP_FETCH || !r->mail.has_body || p->st != ST_OK ||
		p->n_stored == BATCH_MAILS)
		return ST_OK;
	item = find_item(p, r->mail.uid);
	if (item == NULL || is_stored(p, item->uid))
		return ST_OK;
	p->st = store_mail(p, item, r->mail.body, &which, &p->why);
	if (p->st == ST_OK) {
		p->stored[p->n_stored++] = item->uid;
	} else if (which == SPOOL_LIMIT_FILE) {
		p->st = ST_OK; /* it is larger than it said */
		p->out->left++;
		p->out->left_uid = item->uid;
	}
	return ST_OK;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* What was stored becomes durable, is noted and moved. */
static enum status keep(struct pull *p, struct err *e)
{
	struct sbuf set = sbuf_arena(p->a, SET_BYTES_MAX);
	enum status st;

	if (p->n_stored == 0)
		return ST_OK;
	st = spool_sync(p->parts->spool, e);
	if (st != ST_OK)
		return st;
	qsort(p->stored, p->n_stored, sizeof(p->stored[0]), by_number);
	imap_set_write(&set, p->stored, p->n_stored);
	BUG(!sbuf_ok(&set));
	p->row->taken += (int64_t)p->n_stored;
	p->out->taken += p->n_stored;
	st = note(p, sbuf_str(&set), e);
	if (st == ST_OK)
		st = move(p, p->row->pending, e);
	return st == ST_OK ? note(p, STR(""), e) : st;
}

static enum status take_batch(
	struct pull *p, const uint32_t *uids, size_t n, struct err *e)
{
	struct sbuf b = sbuf_arena(p->a, COMMAND_BYTES_MAX);
	struct err why = {};
	enum status fetched, st;

	p->n_stored = 0;
	p->st = ST_OK;
	sbuf_addz(&b, "UID FETCH ");
	imap_set_write(&b, uids, n);
	sbuf_addz(&b, " (UID BODY.PEEK[])");
	BUG(!sbuf_ok(&b));
	/* Servers know sizes only so well. */
	fetched = imap_client_do(p->client, sbuf_str(&b),
		2 * (size_t)p->o->max_bytes + IMAP_RESPONSE_EXTRA, on_mail, p,
		&why);
	st = keep(p, e);
	if (fetched != ST_OK) { /* that is why the rest failed as well */
		st = fetched;
		*e = why;
	} else if (st == ST_OK && p->st != ST_OK) {
		st = p->st;
		*e = p->why;
	}
	return st;
}

/* What a slow server does not give in time waits for the next visit. */
static enum status take_all(struct pull *p, struct err *e)
{
	uint32_t uids[BATCH_MAILS];
	enum status st = ST_OK;
	size_t i = 0;

	while (st == ST_OK && i < p->n) {
		uint64_t bytes = 0;
		size_t n = 0;

		if (clock_mono(p->parts->clock).ms >= p->until.ms) {
			p->out->more = true;
			break;
		}
		while (i < p->n && n < BATCH_MAILS &&
			(n == 0 || bytes + p->items[i].size <= BATCH_BYTES)) {
			bytes += p->items[i].size;
			uids[n++] = p->items[i++].uid;
		}
		st = take_batch(p, uids, n, e);
	}
	return st;
}

enum status mailbox_pull(const struct mailbox_parts *parts,
	const struct mailbox_options *o, struct arena *a,
	struct store_mailbox *row, struct mailbox_pulled *out, struct err *e)
{
	struct pull *p = arena_alloc(a, sizeof(*p));
	enum status st;

	BUG(p == NULL);
	*p = (struct pull){
		.parts = parts, .o = o, .a = a, .row = row, .out = out
	};
	p->until.ms = clock_mono(parts->clock).ms + o->server.session_ms / 2;
	*out = (struct mailbox_pulled){};
	st = imap_client_open(&o->server, &p->client, e);
	if (st == ST_OK)
		st = open_folder(p, "SELECT", e);
	if (st == ST_OK)
		st = move_pending(p, e);
	if (st == ST_OK)
		st = list(p, e);
	if (st == ST_OK)
		st = take_all(p, e);
	imap_client_close(&p->client);
	return st;
}

enum status mailbox_try(const struct mailbox_options *o, struct err *e)
{
	struct arena *a = arena_must(0);
	struct pull *p = arena_alloc(a, sizeof(*p));
	enum status st;

	BUG(p == NULL);
	*p = (struct pull){ .o = o, .a = a };
	st = imap_client_open(&o->server, &p->client, e);
	if (st == ST_OK)
		st = open_folder(p, "EXAMINE", e);
	imap_client_close(&p->client);
	arena_free(&a);
	return st;
}
