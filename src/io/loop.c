/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop: libevent for the kernel interface and the timer heap; the turn, tasks
 * and deferred calls are ours, because libevent has no "end of the turn".
 */
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "io/loop.h"

#include "base/bug.h"
#include "base/mem.h"
#include "io/fd.h"

#include "base/poison.h"

_Static_assert(sizeof(struct event) <= LOOP_EVENT_BYTES, "LOOP_EVENT_BYTES");
_Static_assert(_Alignof(struct event) <= 16, "alignment of struct event");

struct deferred {
	loop_fn *fn;
	void *ctx;
};

struct loop {
	struct event_base *base;
	struct loop_task *first, *last; /* in order */
	size_t n_tasks;
	struct deferred *deferred;
	size_t n_deferred, cap_deferred;
	struct mono turn_began; /* ms 0: not in a turn */
	bool stopping;
};

static struct event *event_of(struct loop_event *e)
{
	return (struct event *)(void *)e->bytes;
}

struct loop *loop_new(void)
{
	struct event_config *cfg = event_config_new();
	struct loop *l = mem_must(sizeof(*l));

	BUG(event_get_struct_event_size() > LOOP_EVENT_BYTES);
	BUG(cfg == NULL);
	BUG(event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK) != 0);
	l->base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	BUG(l->base == NULL);
	return l;
}

/* Only those there are now: a task that starts itself must not starve I/O. */
static void run_tasks(struct loop *l)
{
	for (size_t n = l->n_tasks; n > 0 && l->first != NULL; n--) {
		struct loop_task *t = l->first;

		loop_task_stop(t);
		t->fn(t->ctx);
	}
}

static void run_deferred(struct loop *l)
{
	run_tasks(l);
	for (size_t i = 0; i < l->n_deferred; i++) {
		struct deferred d = l->deferred[i]; /* the array may move */

		d.fn(d.ctx);
	}
	l->n_deferred = 0;
}

void loop_free(struct loop **l)
{
	if (*l == NULL)
		return;
	while ((*l)->n_tasks > 0 || (*l)->n_deferred > 0)
		run_deferred(*l);
	event_base_free((*l)->base);
	mem_free((*l)->deferred);
	mem_free(*l);
	*l = NULL;
}

void loop_turn(struct loop *l, bool wait)
{
	bool pending = l->n_tasks > 0 || l->n_deferred > 0;

	BUG(event_base_loop(l->base, wait && !pending && !l->stopping
					     ? EVLOOP_ONCE
					     : EVLOOP_NONBLOCK) < 0);
	run_deferred(l);
	l->turn_began.ms = 0;
}

void loop_run(struct loop *l)
{
	l->stopping = false;
	while (!l->stopping)
		loop_turn(l, true);
}

void loop_stop(struct loop *l)
{
	l->stopping = true;
}

static void turn_begins(struct loop *l)
{
	if (l->turn_began.ms == 0)
		l->turn_began = clock_mono(clock_system());
}

static short events_of(unsigned want)
{
	return (short)((want & LOOP_READ ? EV_READ : 0) |
		       (want & LOOP_WRITE ? EV_WRITE : 0) | EV_PERSIST);
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	struct loop_io *io = arg;

	(void)fd;
	turn_begins(io->loop);
	io->fn(io->ctx, (what & EV_READ ? LOOP_READ : 0) |
				(what & EV_WRITE ? LOOP_WRITE : 0));
}

void loop_io_start(struct loop_io *io, struct loop *l, int fd, unsigned want,
	loop_io_fn *fn, void *ctx)
{
	BUG(io->loop != NULL);
	io->loop = l;
	io->fn = fn;
	io->ctx = ctx;
	io->want = want;
	BUG(event_assign(event_of(&io->event), l->base, fd, events_of(want),
		    on_io, io) != 0);
	if (want != 0)
		BUG(event_add(event_of(&io->event), NULL) != 0);
}

void loop_io_change(struct loop_io *io, unsigned want)
{
	struct event *ev = event_of(&io->event);

	BUG(io->loop == NULL);
	if (io->want == want)
		return;
	if (io->want != 0)
		(void)event_del(ev);
	io->want = want;
	BUG(event_assign(ev, io->loop->base, event_get_fd(ev), events_of(want),
		    on_io, io) != 0);
	if (want != 0)
		BUG(event_add(ev, NULL) != 0);
}

void loop_io_stop(struct loop_io *io)
{
	if (io->loop == NULL)
		return;
	(void)event_del(event_of(&io->event));
	io->loop = NULL;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;

	(void)fd;
	(void)what;
	turn_begins(t->loop);
	t->loop = NULL;
	t->fn(t->ctx);
}

void loop_timer_start(struct loop_timer *t, struct loop *l, int64_t ms,
	loop_fn *fn, void *ctx)
{
	struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000 };

	BUG(ms < 0);
	loop_timer_stop(t);
	t->loop = l;
	t->fn = fn;
	t->ctx = ctx;
	BUG(event_assign(event_of(&t->event), l->base, -1, 0, on_timer, t) !=
		0);
	BUG(event_add(event_of(&t->event), &tv) != 0);
}

void loop_timer_stop(struct loop_timer *t)
{
	if (t->loop == NULL)
		return;
	(void)event_del(event_of(&t->event));
	t->loop = NULL;
}

bool loop_timer_running(const struct loop_timer *t)
{
	return t->loop != NULL;
}

void loop_task_start(
	struct loop_task *t, struct loop *l, loop_fn *fn, void *ctx)
{
	if (t->loop != NULL)
		return;
	*t = (struct loop_task){ l, NULL, l->last, fn, ctx };
	if (l->last != NULL)
		l->last->next = t;
	else
		l->first = t;
	l->last = t;
	l->n_tasks++;
}

void loop_task_stop(struct loop_task *t)
{
	struct loop *l = t->loop;

	if (l == NULL)
		return;
	*(t->prev != NULL ? &t->prev->next : &l->first) = t->next;
	*(t->next != NULL ? &t->next->prev : &l->last) = t->prev;
	l->n_tasks--;
	t->loop = NULL;
}

void loop_defer(struct loop *l, loop_fn *fn, void *ctx)
{
	if (l->n_deferred == l->cap_deferred) {
		l->cap_deferred = l->cap_deferred == 0 ? 64
						       : l->cap_deferred * 2;
		l->deferred = mem_grow(
			l->deferred, l->cap_deferred * sizeof(*l->deferred));
		BUG(l->deferred == NULL);
	}
	l->deferred[l->n_deferred++] = (struct deferred){ fn, ctx };
}

static void on_signal(void *ctx, unsigned ready)
{
	struct loop_signal *s = ctx;
	struct signalfd_siginfo info;

	(void)ready;
	if (read(s->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		s->fn(s->ctx);
}

void loop_signal_start(struct loop_signal *s, struct loop *l, int signo,
	loop_fn *fn, void *ctx)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, signo);
	BUG(sigprocmask(SIG_BLOCK, &set, NULL) != 0);
	s->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	BUG(s->fd < 0);
	s->fn = fn;
	s->ctx = ctx;
	loop_io_start(&s->io, l, s->fd, LOOP_READ, on_signal, s);
}

void loop_signal_stop(struct loop_signal *s)
{
	if (s->io.loop == NULL)
		return;
	loop_io_stop(&s->io);
	fd_close(&s->fd);
}

struct mono loop_now(const struct loop *l)
{
	return l->turn_began.ms != 0 ? l->turn_began
				     : clock_mono(clock_system());
}
