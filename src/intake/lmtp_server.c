/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmtp_server: sessions on the loop. A session reads, or waits for the disk
 * thread; what the protocol is stands in proto/lmtp, what becomes of a mail in
 * lmtp_mail.c.
 */
#include <errno.h>
#include <sys/socket.h>

#include "intake/lmtp_own.h"

#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/fd.h"
#include "io/listener.h"
#include "io/spool_writer.h"

#include "base/poison.h"

#define TURN_STEPS 64 /* of one session before others */
#define DISK_MS 60000 /* for a message to become durable */

static struct mono now(const struct lmtp_server *s)
{
	return loop_now(s->parts.loop);
}

/* ---- sessions ---- */

static void session_destroy(void *ctx)
{
	mem_free(ctx);
}

static void session_close(struct lmtp_session *c)
{
	struct lmtp_server *s = c->server;

	lmtp_mail_forget(c);
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
static bool flush(struct lmtp_session *c)
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
	struct lmtp_session *c = ctx;

	LOG(LOG_INFO, "lmtp.timeout");
	lmtp_end_session(&c->lmtp, "4.4.2 it took too long");
	(void)flush(c);
	session_close(c);
}

/* So much time for what comes now, but never beyond the session's end. */
static void give_time(struct lmtp_session *c, int64_t ms)
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

static enum step fill(struct lmtp_session *c)
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
static enum step write_out(struct lmtp_session *c)
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

static enum step read_more(struct lmtp_session *c)
{
	enum step step = write_out(c);

	return step == STEP_ON ? fill(c) : step;
}

static enum step next(struct lmtp_session *c)
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
		lmtp_mail_recipient(c);
		return STEP_ON;
	case LMTP_MESSAGE:
		lmtp_mail_message(c);
		step = write_out(c);
		give_time(c, c->server->options.message_ms);
		return step;
	case LMTP_CONTENT:
		lmtp_mail_content(c, piece);
		return STEP_ON;
	case LMTP_END:
		if (lmtp_mail_end(c))
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
	lmtp_session_run(ctx);
}

void lmtp_session_run(struct lmtp_session *c)
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
	lmtp_session_run(ctx);
}

static void on_accept(void *ctx, int fd, const struct addr *peer)
{
	struct lmtp_server *s = ctx;
	struct lmtp_session *c = mem_must(sizeof(*c));

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
	s->quota = spool_quota_new(&options->per_id, &options->per_client);
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
