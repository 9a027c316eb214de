/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmtp_server: sessions on the loop. A session reads, or waits for the disk
 * thread; what the protocol is stands in proto/lmtp.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "intake/lmtp_server.h"

#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/fd.h"
#include "io/idn.h"
#include "io/listener.h"
#include "io/spool_writer.h"
#include "proto/lmtp.h"

#include "base/poison.h"

#define IN_BYTES 16384
#define BODY_FIRST_BYTES 16384u
#define TURN_STEPS 64 /* of one session before others */
#define DISK_MS 60000 /* for a message to become durable */
#define NULL_SENDER "<>"

/* One accepted recipient of the message. */
struct recipient {
	struct session *session;
	char id[SPOOL_ID_MAX];
	size_t n_id;
	uint64_t charged; /* bytes taken from the quotas */
	struct spool_job *job;
	int code; /* 0: not known yet */
	const char *text;
};

struct body {
	char *p;
	size_t n, cap;
	bool no_memory;
};

struct session {
	struct lmtp_server *server;
	struct session *next, *prev;
	int fd;
	struct addr peer;
	struct loop_io io;
	struct loop_timer timer;
	struct loop_task again;
	struct mono end; /* of the session, whatever it does */
	struct lmtp lmtp;
	struct body body;
	char sender[LMTP_DOMAIN_MAX];
	size_t n_sender;
	size_t waiting; /* recipients the disk thread works for */
	size_t n_recipients;
	struct recipient recipients[LMTP_RECIPIENTS_MAX];
	size_t in_at, in_n;
	char in[IN_BYTES];
};

struct lmtp_server {
	struct lmtp_server_parts parts;
	struct lmtp_server_options options;
	struct gate *gate;
	struct spool_writer *writer;
	struct spool_quota *quota;
	struct listener *listeners[LMTP_LISTENERS_MAX];
	size_t n_listeners;
	struct session *sessions;
	uint64_t body_bytes; /* held by all bodies */
};

static void session_run(struct session *c);

static struct str id_of(const struct recipient *r)
{
	return (struct str){ r->id, r->n_id };
}

static struct mono now(const struct lmtp_server *s)
{
	return loop_now(s->parts.loop);
}

/* ---- the transaction ---- */

/* Who sends, for the quotas: the domain, lower-case. */
static void set_sender(struct session *c)
{
	const struct lmtp_path *p = &c->lmtp.sender;
	struct sbuf b = sbuf_fixed(c->sender, sizeof(c->sender));

	if (p->n_domain == 0)
		sbuf_addz(&b, NULL_SENDER);
	for (size_t i = 0; i < p->n_domain; i++)
		sbuf_addc(&b, chr_lower(p->domain[i]));
	c->n_sender = b.n;
}

static struct str sender_of(const struct session *c)
{
	return (struct str){ c->sender, c->n_sender };
}

/* What was announced and did not come does not count. */
static void settle(struct session *c, uint64_t came)
{
	for (size_t i = 0; i < c->n_recipients; i++) {
		struct recipient *r = &c->recipients[i];

		if (r->charged > came)
			spool_quota_give_back(c->server->quota, now(c->server),
				id_of(r), sender_of(c), r->charged - came);
		r->charged = 0;
	}
}

static void body_free(struct session *c)
{
	c->server->body_bytes -= c->body.cap;
	mem_free(c->body.p);
	c->body = (struct body){};
}

/* Of a message that was stored, refused, or will not come. */
static void forget(struct session *c)
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

static void set_id(struct recipient *r, const char *mark, struct str id)
{
	struct sbuf b = sbuf_fixed(r->id, sizeof(r->id));

	sbuf_addz(&b, mark);
	for (size_t i = 0; i < id.n; i++)
		sbuf_addc(&b, chr_lower(id.p[i]));
	BUG(!sbuf_ok(&b));
	r->n_id = b.n;
}

static enum status find_id(
	struct lmtp_server *s, struct recipient *r, struct str local)
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
	struct str domain, struct recipient *r)
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
static enum status find(
	struct lmtp_server *s, const struct lmtp_path *p, struct recipient *r)
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

static bool quota_take(struct session *c, struct recipient *r)
{
	struct lmtp_server *s = c->server;
	enum spool_quota_kind which;
	int64_t retry_s;

	r->charged = c->lmtp.announced > 0 ? c->lmtp.announced
					   : s->options.report_bytes;
	if (spool_quota_take(s->quota, now(s), id_of(r), sender_of(c),
		    r->charged, &which, &retry_s) == ST_OK)
		return true;
	LOG(LOG_WARN, "report.quota", KV_STR("id", id_of(r)),
		KV_STR("sender", sender_of(c)),
		KV_Z("whose", which == SPOOL_QUOTA_ID ? "id" : "source"));
	return false;
}

static void on_recipient(struct session *c)
{
	struct lmtp *l = &c->lmtp;
	struct recipient *r;
	enum status st;

	if (l->n_recipients == 0) {
		forget(c); /* of a transaction that was given up */
		set_sender(c);
	}
	r = &c->recipients[c->n_recipients];
	*r = (struct recipient){ .session = c };
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

static void on_message(struct session *c)
{
	struct lmtp_server *s = c->server;

	if (s->body_bytes >= s->options.memory_bytes)
		lmtp_answer(&c->lmtp, 452, "4.3.1 too many at once");
	else
		lmtp_answer(&c->lmtp, 354, "end with CR LF . CR LF");
}

/* Grows with what really came, not with what was announced. */
static void on_content(struct session *c, struct str piece)
{
	struct lmtp_server *s = c->server;
	struct body *b = &c->body;
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

static void answer_all(struct session *c)
{
	for (size_t i = 0; i < c->n_recipients; i++)
		lmtp_answer(
			&c->lmtp, c->recipients[i].code, c->recipients[i].text);
	forget(c);
}

static void judge_all(struct session *c, int code, const char *text)
{
	for (size_t i = 0; i < c->n_recipients; i++) {
		c->recipients[i].code = code;
		c->recipients[i].text = text;
	}
	answer_all(c);
}

static void judge(struct recipient *r, enum status st, enum spool_limit which)
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
	struct recipient *r = ctx;
	struct session *c = r->session;

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
	session_run(c);
}

/* Who the report is from, as the list of unreadable ones shows it. */
static struct str remote_write(
	const struct session *c, char room[SPOOL_REMOTE_MAX])
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
static void store_for(struct session *c, size_t i)
{
	struct lmtp_server *s = c->server;
	struct recipient *r = &c->recipients[i];
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
static bool on_end(struct session *c)
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

/* ---- sessions ---- */

static void session_destroy(void *ctx)
{
	mem_free(ctx);
}

static void session_close(struct session *c)
{
	struct lmtp_server *s = c->server;

	forget(c);
	loop_io_stop(&c->io);
	loop_timer_stop(&c->timer);
	loop_task_stop(&c->again);
	(void)shutdown(c->fd, SHUT_WR);
	fd_close(&c->fd);
	gate_leave(s->gate, &c->peer);
	*(c->prev != NULL ? &c->prev->next : &s->sessions) = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	loop_defer(s->parts.loop, session_destroy, c);
}

/* false: the connection is dead; else what is left waits for LOOP_WRITE. */
static bool flush(struct session *c)
{
	struct str out;
	ssize_t n;

	while ((out = lmtp_output(&c->lmtp)).n > 0) {
		n = send(c->fd, out.p, out.n, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		lmtp_output_took(&c->lmtp, (size_t)n);
	}
	return true;
}

static void on_deadline(void *ctx)
{
	struct session *c = ctx;

	LOG(LOG_INFO, "lmtp.timeout");
	lmtp_end_session(&c->lmtp, "4.4.2 it took too long");
	(void)flush(c);
	session_close(c);
}

/* So much time for what comes now, but never beyond the session's end. */
static void give_time(struct session *c, int64_t ms)
{
	int64_t left = c->end.ms - now(c->server).ms;

	if (left < 0)
		left = 0;
	loop_timer_start(&c->timer, c->server->parts.loop,
		ms < left ? ms : left, on_deadline, c);
}

enum step {
	STEP_ON,
	STEP_READ,
	STEP_WRITE,
	STEP_DISK,
	STEP_END,
};

static enum step fill(struct session *c)
{
	ssize_t n;

	do {
		n = recv(c->fd, c->in, sizeof(c->in), 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? STEP_READ : STEP_END;
	c->in_at = 0;
	c->in_n = (size_t)n;
	return n == 0 ? STEP_END : STEP_ON;
}

/* The replies first: a command that is answered begins the time anew. */
static enum step write_out(struct session *c)
{
	size_t had = lmtp_output(&c->lmtp).n;

	if (!flush(c))
		return STEP_END;
	if (lmtp_output(&c->lmtp).n > 0)
		return STEP_WRITE;
	if (had > 0)
		give_time(c, c->server->options.command_ms);
	return STEP_ON;
}

static enum step read_more(struct session *c)
{
	enum step step = write_out(c);

	return step == STEP_ON ? fill(c) : step;
}

static enum step next(struct session *c)
{
	struct str in = { c->in + c->in_at, c->in_n }, piece;
	enum lmtp_event event = lmtp_next(&c->lmtp, &in, &piece);
	enum step step;

	c->in_at += c->in_n - in.n;
	c->in_n = in.n;
	switch (event) {
	case LMTP_READ:
		return read_more(c);
	case LMTP_WRITE:
		return write_out(c);
	case LMTP_RECIPIENT:
		on_recipient(c);
		return STEP_ON;
	case LMTP_MESSAGE:
		on_message(c);
		step = write_out(c);
		give_time(c, c->server->options.message_ms);
		return step;
	case LMTP_CONTENT:
		on_content(c, piece);
		return STEP_ON;
	case LMTP_END:
		if (on_end(c))
			return STEP_ON;
		give_time(c, DISK_MS);
		return STEP_DISK;
	case LMTP_CLOSE:
		break;
	}
	step = write_out(c);
	return step == STEP_ON ? STEP_END : step;
}

static void on_again(void *ctx)
{
	session_run(ctx);
}

static void session_run(struct session *c)
{
	enum step step = STEP_ON;

	for (int i = 0; step == STEP_ON && i < TURN_STEPS; i++)
		step = next(c);
	switch (step) {
	case STEP_ON:
		loop_io_change(&c->io, 0);
		loop_task_start(&c->again, c->server->parts.loop, on_again, c);
		return;
	case STEP_READ:
		loop_io_change(&c->io, LOOP_READ);
		return;
	case STEP_WRITE:
		loop_io_change(&c->io, LOOP_WRITE);
		return;
	case STEP_DISK:
		loop_io_change(&c->io, 0);
		return;
	case STEP_END:
		session_close(c);
		return;
	}
}

static void on_ready(void *ctx, unsigned ready)
{
	(void)ready;
	session_run(ctx);
}

static void on_accept(void *ctx, int fd, const struct addr *peer)
{
	struct lmtp_server *s = ctx;
	struct session *c = mem_must(sizeof(*c));

	c->server = s;
	c->fd = fd;
	c->peer = *peer;
	c->next = s->sessions;
	if (s->sessions != NULL)
		s->sessions->prev = c;
	s->sessions = c;
	c->end.ms = now(s).ms + s->options.session_ms;
	lmtp_init(&c->lmtp,
		s->options.host[0] == '\0' ? "moat" : s->options.host,
		s->options.report_bytes);
	loop_io_start(&c->io, s->parts.loop, fd, LOOP_WRITE, on_ready, c);
	give_time(c, s->options.command_ms);
}

/* ---- the server ---- */

bool lmtp_mailbox_parse(struct str text, struct lmtp_mailbox *out)
{
	struct str rest = text, address = str_cut(&rest, '=');
	struct str domain = address, local = str_cut(&domain, '@');

	*out = (struct lmtp_mailbox){ local, domain, rest };
	return local.n > 0 && local.n <= LMTP_LOCAL_MAX && domain.n > 0 &&
	       domain.n <= LMTP_DOMAIN_MAX && str_index(local, '+') < 0 &&
	       rest.n < SPOOL_ID_MAX && (rest.p == NULL || rest.n > 0);
}

struct lmtp_server *lmtp_server_new(const struct lmtp_server_parts *parts,
	const struct lmtp_server_options *options)
{
	struct lmtp_server *s = mem_must(sizeof(*s));

	s->parts = *parts;
	s->options = *options;
	s->gate = gate_new(options->max_connections, options->max_connections);
	s->quota = spool_quota_new(&options->per_id, &options->per_sender);
	s->writer = spool_writer_new(
		parts->loop, parts->spool, (size_t)options->memory_bytes);
	return s;
}

void lmtp_server_listen(struct lmtp_server *s, int fd)
{
	BUG(s->n_listeners == LMTP_LISTENERS_MAX);
	s->listeners[s->n_listeners++] = listener_new(
		s->parts.loop, fd, s->gate, on_accept, s);
}

void lmtp_server_free(struct lmtp_server **sp)
{
	struct lmtp_server *s = *sp;

	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_listeners; i++)
		listener_free(&s->listeners[i]);
	while (s->sessions != NULL)
		session_close(s->sessions);
	spool_writer_free(&s->writer);
	spool_quota_free(&s->quota);
	gate_free(&s->gate);
	mem_free(s);
	*sp = NULL;
}
