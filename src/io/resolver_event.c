/* SPDX-License-Identifier: Apache-2.0 */
/* resolver_event: an event base for libunbound out of loop_io and loop_timer.
 */
#include <sys/time.h>
#include <unbound-event.h>

#include "base/bug.h"
#include "base/mem.h"
#include "io/resolver_event.h"
#include "io/resolver_own.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

/* Bounded memory and descriptors, and at most an hour in the cache. */
static const struct resolver_setting settings[] = {
	{ "cache-max-ttl:", "3600" },
	{ "cache-max-negative-ttl:", "900" },
	{ "do-not-query-localhost:", "no" },
	{ "module-config:", "validator iterator" },
	{ "msg-cache-size:", "1m" },
	{ "rrset-cache-size:", "2m" },
	{ "key-cache-size:", "512k" },
	{ "neg-cache-size:", "256k" },
	{ "outgoing-range:", "256" },
	{ "outgoing-num-tcp:", "16" },
};

struct base {
	struct ub_event_base ub; /* first: libunbound gives it back to us */
	struct loop *loop;
};

struct event {
	struct ub_event ub; /* first */
	struct base *base;
	struct loop_io io;
	struct loop_timer timer;
	int fd;
	short bits;
	struct timeval timeout; /* of a persistent event, set anew each time */
	bool timed;
	void (*fn)(int fd, short what, void *arg);
	void *arg;
};

struct resolver_event {
	struct base base;
	struct ub_ctx *ub;
	struct loop *loop;
	struct resolver_event_ask first;
};

/* ---- events -------------------------------------------------------------- */

static struct event *event_of(struct ub_event *ub)
{
	return (struct event *)(void *)ub;
}

static void event_stop(struct event *ev)
{
	loop_io_stop(&ev->io);
	loop_timer_stop(&ev->timer);
}

static void on_timeout(void *ctx);

static void timer_start(struct event *ev)
{
	if (ev->timed)
		loop_timer_start(&ev->timer, ev->base->loop,
			(int64_t)ev->timeout.tv_sec * 1000 +
				(ev->timeout.tv_usec + 999) / 1000,
			on_timeout, ev);
}

/* As libevent: without PERSIST it is over, with it the time begins anew. */
static void fire(struct event *ev, short what)
{
	if ((ev->bits & UB_EV_PERSIST) == 0)
		event_stop(ev);
	else
		timer_start(ev);
	ev->fn(ev->fd, what, ev->arg); /* ev may be gone now */
}

static void on_timeout(void *ctx)
{
	fire(ctx, UB_EV_TIMEOUT);
}

static void on_ready(void *ctx, unsigned ready)
{
	fire(ctx, (ready & LOOP_READ ? UB_EV_READ : 0) |
			  (ready & LOOP_WRITE ? UB_EV_WRITE : 0));
}

static int event_add(struct ub_event *ub, struct timeval *timeout)
{
	struct event *ev = event_of(ub);
	unsigned want = (ev->bits & UB_EV_READ ? LOOP_READ : 0) |
			(ev->bits & UB_EV_WRITE ? LOOP_WRITE : 0);

	ev->timed = timeout != NULL;
	if (timeout != NULL)
		ev->timeout = *timeout;
	loop_io_stop(&ev->io);
	if (ev->fd >= 0 && want != 0)
		loop_io_start(
			&ev->io, ev->base->loop, ev->fd, want, on_ready, ev);
	timer_start(ev);
	return 0;
}

static int event_del(struct ub_event *ub)
{
	event_stop(event_of(ub));
	return 0;
}

static int event_add_timer(struct ub_event *ub, struct ub_event_base *base,
	void (*fn)(int, short, void *), void *arg, struct timeval *timeout)
{
	struct event *ev = event_of(ub);

	(void)base;
	event_stop(ev);
	ev->fd = -1;
	ev->bits = UB_EV_TIMEOUT;
	ev->fn = fn;
	ev->arg = arg;
	return event_add(ub, timeout);
}

static void event_add_bits(struct ub_event *ub, short bits)
{
	event_of(ub)->bits |= bits;
}

static void event_del_bits(struct ub_event *ub, short bits)
{
	event_of(ub)->bits &= (short)~bits;
}

static void event_set_fd(struct ub_event *ub, int fd)
{
	event_of(ub)->fd = fd;
}

static void event_destroy(void *ctx)
{
	mem_free(ctx);
}

static void event_free(struct ub_event *ub)
{
	struct event *ev = event_of(ub);

	event_stop(ev);
	loop_defer(ev->base->loop, event_destroy, ev);
}

/* Signals are the loop's business. */
static int event_no_signal(struct ub_event *ub, struct timeval *timeout)
{
	(void)ub;
	(void)timeout;
	return -1;
}

static int event_no_signal_del(struct ub_event *ub)
{
	(void)ub;
	return -1;
}

static void event_no_wsa(struct ub_event *ub)
{
	(void)ub;
}

static void event_no_would_block(struct ub_event *ub, int bit)
{
	(void)ub;
	(void)bit;
}

/* libunbound's type is not const. */
static struct ub_event_vmt event_calls = {
	.add_bits = event_add_bits,
	.del_bits = event_del_bits,
	.set_fd = event_set_fd,
	.free = event_free,
	.add = event_add,
	.del = event_del,
	.add_timer = event_add_timer,
	.del_timer = event_del,
	.add_signal = event_no_signal,
	.del_signal = event_no_signal_del,
	.winsock_unregister_wsaevent = event_no_wsa,
	.winsock_tcp_wouldblock = event_no_would_block,
};

static struct ub_event *base_new_event(struct ub_event_base *ub, int fd,
	short bits, void (*fn)(int, short, void *), void *arg)
{
	struct event *ev = mem_must(sizeof(*ev));

	ev->ub.magic = UB_EVENT_MAGIC;
	ev->ub.vmt = &event_calls;
	ev->base = (struct base *)(void *)ub;
	ev->fd = fd;
	ev->bits = bits;
	ev->fn = fn;
	ev->arg = arg;
	return &ev->ub;
}

static struct ub_event *base_no_signal(struct ub_event_base *ub, int fd,
	void (*fn)(int, short, void *), void *arg)
{
	(void)ub;
	(void)fd;
	(void)fn;
	(void)arg;
	return NULL;
}

static struct ub_event *base_no_wsa(struct ub_event_base *ub, void *event,
	void (*fn)(int, short, void *), void *arg)
{
	return base_no_signal(ub, event != NULL, fn, arg);
}

static void base_no_free(struct ub_event_base *ub)
{
	(void)ub;
}

static int base_no_dispatch(struct ub_event_base *ub)
{
	(void)ub;
	return -1;
}

static int base_no_exit(struct ub_event_base *ub, struct timeval *when)
{
	(void)ub;
	(void)when;
	return -1;
}

static struct ub_event_base_vmt base_calls = {
	.free = base_no_free,
	.dispatch = base_no_dispatch,
	.loopexit = base_no_exit,
	.new_event = base_new_event,
	.new_signal = base_no_signal,
	.winsock_register_wsaevent = base_no_wsa,
};

/* ---- look-ups ------------------------------------------------------------ */

static void destroy(void *ctx)
{
	struct resolver_event *r = ctx;

	/* It frees its events, which defers the freeing of theirs. */
	ub_ctx_delete(r->ub);
	loop_defer(r->loop, event_destroy, r);
}

void resolver_event_close(struct resolver_event **r)
{
	if (*r == NULL)
		return;
	loop_defer((*r)->loop, destroy, *r);
	*r = NULL;
}

static enum resolver_security security_of(int sec)
{
	switch (sec) {
	case 2:
		return RESOLVER_SECURE;
	case 1:
		return RESOLVER_BOGUS;
	default:
		return RESOLVER_INSECURE;
	}
}

static void on_answer(void *arg, int rcode, void *packet, int n, int sec,
	char *why_bogus, int limited)
{
	const struct resolver_event_ask *k = arg;
	struct resolver_event_answer a = { .failed = rcode != 0 || n <= 0,
		.security = security_of(sec),
		.why_bogus = str_of(why_bogus) };

	(void)limited;
	if (!a.failed)
		a.msg = (struct str){ packet, (size_t)n };
	k->done(k->ctx, &a);
}

enum status resolver_event_ask_start(struct resolver_event_ask *k,
	struct resolver_event *r, const char *name, uint16_t type,
	resolver_event_fn *done, void *ctx, struct err *e)
{
	int rc;

	k->done = done;
	k->ctx = ctx;
	rc = ub_resolve_event(
		r->ub, name, type, DNS_CLASS_IN, k, on_answer, &k->id);
	return rc != 0 ? err_set(e, ST_TEMP, "%s", ub_strerror(rc)) : ST_OK;
}

void resolver_event_ask_cancel(
	struct resolver_event_ask *k, struct resolver_event *r)
{
	(void)ub_cancel(r->ub, k->id);
}

static void on_first(void *ctx, const struct resolver_event_answer *answer)
{
	(void)ctx;
	(void)answer;
}

/*
 * libunbound reads the trust anchor with the first look-up, and answers this
 * one itself: so a bad file is told here, and before a sandbox closes.
 */
static enum status read_files(struct resolver_event *r, struct err *e)
{
	if (resolver_event_ask_start(&r->first, r, "localhost", DNS_TYPE_A,
		    on_first, NULL, e) == ST_OK)
		return ST_OK;
	err_prefix(e, "libunbound (is the root anchor well-formed?)");
	return ST_PERM;
}

enum status resolver_event_open(struct loop *l,
	const struct resolver_options *o, struct resolver_event **out,
	struct err *e)
{
	struct resolver_event *r = mem_must(sizeof(*r));
	enum status st;

	r->loop = l;
	r->base.ub.magic = UB_EVENT_MAGIC;
	r->base.ub.vmt = &base_calls;
	r->base.loop = l;
	r->ub = ub_ctx_create_ub_event(&r->base.ub);
	BUG(r->ub == NULL); /* out of memory or randomness */
	st = resolver_set_up(
		r->ub, o, settings, sizeof(settings) / sizeof(*settings), e);
	if (st == ST_OK)
		st = read_files(r, e);
	if (st == ST_OK) {
		*out = r;
		r = NULL;
	}
	resolver_event_close(&r);
	return st;
}
