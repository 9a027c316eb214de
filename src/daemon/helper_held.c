/* SPDX-License-Identifier: Apache-2.0 */
/* helper_held: the helper, and how to ask it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "daemon/helper_held.h"
#include "io/fd.h"
#include "proto/host_name.h"

#include "base/poison.h"

#define SETTLE_MS 200 /* what is told in one breath is one look */
#define FIRST_FD 3    /* what is no standard stream */

/*
 * Over a seqpacket socket each packet is a domain, as host_name_parse gives it.
 * Nothing comes back.
 */
struct helper_held {
	int fd;
};

static bool is_domain(struct str s)
{
	return s.n > 0 && s.n <= HOST_NAME_BYTES_MAX &&
	       host_name_fault(s) == HOST_NAME_GOOD;
}

/* ---- in the helper ----------------------------------------------------- */

struct work {
	const struct queue_where *where;
	int fd;
	struct arena *arena; /* for one look */
	struct map *asked;   /* domains since the last look */
	struct map *now;     /* those of this look */
	struct {
		struct str *items;
		size_t n, cap;
	} ids;
};

static int64_t now_ms(void)
{
	return clock_mono(clock_system()).ms;
}

static void pause_ms(int64_t ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* One request, if it comes in time. false: the role is gone. */
static bool take_request(struct work *w, int timeout_ms)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };
	char buf[HOST_NAME_BYTES_MAX + 1];
	struct str s;
	ssize_t n;

	if (poll(&p, 1, timeout_ms) <= 0)
		return true;
	n = recv(w->fd, buf, sizeof(buf), 0);
	if (n <= 0)
		return n < 0 && errno == EINTR;
	s = (struct str){ buf, (size_t)n };
	if (is_domain(s))
		(void)map_put(w->asked, s, w);
	return true;
}

/* Waits, and takes what is asked meanwhile. false: the role is gone. */
static bool listen_until(struct work *w, int64_t until_ms)
{
	while (map_count(w->asked) < HELPER_HELD_DOMAINS && now_ms() < until_ms)
		if (!take_request(w, (int)(until_ms - now_ms())))
			return false;
	if (now_ms() < until_ms)
		pause_ms(until_ms - now_ms());
	return true;
}

/*
 * One domain and all that are asked for until it is time, or a moment later.
 * false: the role is gone.
 */
static bool gather(struct work *w, int64_t until_ms)
{
	while (map_count(w->asked) == 0)
		if (!take_request(w, -1))
			return false;
	if (until_ms < now_ms() + SETTLE_MS)
		until_ms = now_ms() + SETTLE_MS;
	return listen_until(w, until_ms);
}

static bool is_asked_for(const void *ctx, struct str name)
{
	const struct work *w = ctx;

	return map_get(w->now, name) != NULL;
}

static bool is_wanted(const struct work *w, const struct queue_message *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (queue_recipient_concerns(
			    &m->recipients[i], is_asked_for, w))
			return true;
	return false;
}

static void on_message(void *ctx, const struct queue_message *m)
{
	struct work *w = ctx;
	struct str id;

	if (!m->deferred || w->ids.n == HELPER_HELD_MESSAGES ||
		!is_wanted(w, m))
		return;
	id = arena_str(w->arena, m->id);
	if (id.p != NULL)
		(void)VEC_PUSH(w->arena, &w->ids, id);
}

static void release(struct work *w)
{
	struct err e = {};
	size_t good = 0, unreadable = 0;
	bool there = true;

	if (queue_read(w->where, on_message, w, &unreadable, &e) != ST_OK)
		LOG(LOG_WARN, "held.unread", KV_Z("why", e.text));
	for (size_t i = 0; there && i < w->ids.n; i++) {
		if (queue_release(w->where, w->ids.items[i], &e) == ST_OK)
			good++;
		else
			LOG(LOG_WARN, "held.not_released",
				KV_STR("id", w->ids.items[i]),
				KV_Z("why", e.text));
		there = listen_until(w, now_ms() + HELPER_HELD_PAUSE_MS);
	}
	LOG(LOG_INFO, "held.released",
		KV_INT("domains", (int64_t)map_count(w->now)),
		KV_INT("messages", (int64_t)good));
}

__attribute__((noreturn)) static void helper(
	const struct queue_where *where, int fd)
{
	struct work w = { .where = where, .fd = fd, .asked = map_new() };
	int64_t next_ms = now_ms();
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)signal(SIGTERM, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	while (gather(&w, next_ms)) {
		w.arena = arena_must(0);
		w.now = w.asked;
		w.asked = map_new();
		release(&w);
		next_ms = now_ms() + HELPER_HELD_GAP_MS;
		map_free(&w.now);
		arena_free(&w.arena);
		w = (struct work){ .where = where, .fd = fd, .asked = w.asked };
	}
	_exit(0);
}

/* Nothing of the role's is left to it: not its sockets, not its files. */
static int keep_only(int fd)
{
	int moved = fd == FIRST_FD ? fd : dup2(fd, FIRST_FD);

	if (moved < 0 || close_range(FIRST_FD + 1, ~0u, 0) < 0)
		_exit(1);
	(void)fd_cloexec(moved, NULL);
	return moved;
}

/* ---- in the role ------------------------------------------------------- */

enum status helper_held_start(const struct queue_where *where,
	struct helper_held **out, struct err *e)
{
	struct helper_held *h;
	int fd[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0)
		return err_sys(e, ST_PERM, errno, "socketpair");
	pid = fork();
	if (pid == 0)
		helper(where, keep_only(fd[1]));
	fd_close(&fd[1]);
	if (pid < 0) {
		fd_close(&fd[0]);
		return err_sys(e, ST_PERM, errno, "fork");
	}
	h = mem_must(sizeof(*h));
	h->fd = fd[0];
	*out = h;
	return ST_OK;
}

bool helper_held_ask(struct helper_held *h, struct str domain)
{
	return is_domain(domain) &&
	       send(h->fd, domain.p, domain.n, MSG_DONTWAIT | MSG_NOSIGNAL) ==
		       (ssize_t)domain.n;
}

void helper_held_stop(struct helper_held **h)
{
	if (*h == NULL)
		return;
	fd_close(&(*h)->fd); /* the helper reads the end and goes */
	mem_free(*h);
	*h = NULL;
}
